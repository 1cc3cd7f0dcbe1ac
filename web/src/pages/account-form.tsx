// The form that makes an account, for the sign-up page and for the first administrator.
import { type FormEvent, useState } from "react";
import { Problem } from "../api/problem";
import { useSignUp } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";

/** The server's rule; checked here too so that the answer comes at once. */
const SHORTEST_PASSWORD = 8;

type Errors = Partial<Record<"display_name" | "email" | "password", string>>;

function check(values: { display_name: string; email: string; password: string }): Errors {
  const errors: Errors = {};
  if (!values.display_name) errors.display_name = t("auth.error.required");
  if (!/^\S+@\S+$/.test(values.email)) errors.email = t("auth.error.email");
  if (values.password.length < SHORTEST_PASSWORD)
    errors.password = t("auth.error.passwordShort", { min: SHORTEST_PASSWORD });
  return errors;
}

function fieldErrors(error: unknown): Errors {
  if (!(error instanceof Problem)) return {};
  if (error.status === 409) return { email: t("auth.error.taken") };
  return Object.fromEntries(
    Object.entries(error.fields).map(([field, list]) => [field, list.join(" ")]),
  );
}

function general(error: unknown): string | undefined {
  if (!(error instanceof Problem)) return sayProblem(error);
  if (error.code === "registration_closed") return t("auth.error.closed");
  if (error.code === "invite_required") return t("auth.error.inviteOnly");
  if (error.code === "invalid_setup_token") return t("auth.error.setupUsed");
  if (error.status === 409 || Object.keys(error.fields).length > 0) return undefined;
  return sayProblem(error);
}

interface AccountFormProps {
  submitLabel: string;
  setupToken?: string;
  /** Of an invitation to an organization, for servers that take new accounts by invitation alone. */
  inviteToken?: string | undefined;
  /** Filled in already. */
  email?: string;
  onDone: () => void;
}

export function AccountForm({
  submitLabel,
  setupToken,
  inviteToken,
  email,
  onDone,
}: AccountFormProps) {
  const signUp = useSignUp();
  const [errors, setErrors] = useState<Errors>({});
  const [shown, setShown] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const values = {
      display_name: String(data.get("display_name") ?? "").trim(),
      email: String(data.get("email") ?? "").trim(),
      password: String(data.get("password") ?? ""),
    };
    const found = check(values);
    setErrors(found);
    if (Object.keys(found).length > 0) {
      form.querySelector<HTMLInputElement>(`[name="${Object.keys(found)[0]}"]`)?.focus();
      return;
    }
    signUp.mutate(
      { ...values, token: setupToken, invite: inviteToken },
      { onSuccess: onDone, onError: (error) => setErrors(fieldErrors(error)) },
    );
  };
  const trouble = signUp.isError ? general(signUp.error) : undefined;
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {trouble && (
        <Notice tone="bad" alert>
          <p>{trouble}</p>
        </Notice>
      )}
      <Field
        label={t("auth.field.name")}
        hint={t("auth.field.name.hint")}
        name="display_name"
        autoComplete="name"
        maxLength={80}
        required
        error={errors.display_name}
      />
      <Field
        label={t("auth.field.email")}
        name="email"
        type="email"
        autoComplete="email"
        defaultValue={email}
        required
        error={errors.email}
      />
      <Field
        label={t("auth.field.password")}
        hint={t("auth.field.password.hint", { min: SHORTEST_PASSWORD })}
        name="password"
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        required
        error={errors.password}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={shown}
          onChange={(event) => setShown(event.target.checked)}
        />
        {t("auth.field.password.show")}
      </label>
      <Button type="submit" look="primary" wide disabled={signUp.isPending}>
        {submitLabel}
      </Button>
    </form>
  );
}
