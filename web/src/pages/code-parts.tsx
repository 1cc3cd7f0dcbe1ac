// What the pages about codes by mail share: the field for six digits, and why a code did not do.
import { Problem } from "../api/problem";
import { useServerConfig } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";

const DIGITS = 6;

/** Digits alone, as people paste them with spaces. */
export function digitsOf(data: FormData): string {
  return String(data.get("code") ?? "").replace(/\s+/g, "");
}

export function isCode(text: string): boolean {
  return new RegExp(`^\\d{${DIGITS}}$`).test(text);
}

export function isEmail(text: string): boolean {
  return /^\S+@\S+$/.test(text);
}

export function CodeField({ given, error }: { given: string; error?: string | undefined }) {
  return (
    <Field
      key={given}
      label={t("code.label")}
      hint={t("code.hint")}
      name="code"
      defaultValue={given}
      inputMode="numeric"
      autoComplete="one-time-code"
      maxLength={DIGITS + 2}
      required
      error={error}
    />
  );
}

/** A refused code: used, too old, or mistyped; the server tells nobody which. */
export function sayCode(error: unknown): string {
  const wrong = error instanceof Problem && error.code === "invalid_code";
  return wrong ? t("code.error.invalid") : sayProblem(error);
}

export function CodeTrouble({ error }: { error: unknown }) {
  return (
    <Notice tone="bad" alert>
      <p>{sayCode(error)}</p>
    </Notice>
  );
}

/** Says so where the server sends no mail and these pages can lead nowhere. */
export function NoMail() {
  const config = useServerConfig();
  if (config.data?.mail_configured !== false) return null;
  return (
    <Notice tone="warn" title={t("code.nomail.title")}>
      <p>{t("code.nomail.text")}</p>
    </Notice>
  );
}
