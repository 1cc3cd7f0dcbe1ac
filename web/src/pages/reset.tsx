// A new password: a code goes to the address, the link of that mail fills it in, and the new password is set with it.
import { type FormEvent, useState } from "react";
import { Link, useSearchParams } from "react-router";
import { useConfirmReset, useRequestReset } from "../api/codes";
import { Problem } from "../api/problem";
import { t } from "../i18n";
import { type LinkValues, useLinkValues } from "../state/link-values";
import { useArrival } from "../ui/arrival";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Message, Page } from "../ui/page";
import { AskCode } from "./ask-code";
import { CodeField, CodeTrouble, digitsOf, isCode, NoMail } from "./code-parts";

const SHORTEST_PASSWORD = 8;

interface NewPasswordProps {
  email: string;
  code: string;
  onOther: () => void;
  onDone: () => void;
}

function NewPassword({ email, code, onOther, onDone }: NewPasswordProps) {
  const reset = useConfirmReset();
  const arrival = useArrival<HTMLParagraphElement>();
  const [errors, setErrors] = useState<{ code?: string; new_password?: string }>({});
  const [shown, setShown] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const given = digitsOf(data);
    const password = String(data.get("new_password") ?? "");
    const found: typeof errors = {};
    if (!isCode(given)) found.code = t("code.error.digits");
    if (password.length < SHORTEST_PASSWORD)
      found.new_password = t("auth.error.passwordShort", { min: SHORTEST_PASSWORD });
    setErrors(found);
    const first = Object.keys(found)[0];
    if (first) form.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
    else reset.mutate({ email, code: given, new_password: password }, { onSuccess: onDone });
  };
  const refused =
    reset.error instanceof Problem ? reset.error.fields.new_password?.join(" ") : undefined;
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <p ref={arrival} tabIndex={-1} className="quiet">
        {t(code ? "reset.ready" : "code.sent", { email })}
      </p>
      {reset.isError && !refused && <CodeTrouble error={reset.error} />}
      {/* Tells password managers whose password this is. */}
      <input type="hidden" name="username" autoComplete="username" value={email} readOnly />
      <CodeField given={code} error={errors.code} />
      <Field
        label={t("reset.password")}
        hint={t("auth.field.password.hint", { min: SHORTEST_PASSWORD })}
        name="new_password"
        type={shown ? "text" : "password"}
        autoComplete="new-password"
        required
        error={errors.new_password ?? refused}
      />
      <label className="check">
        <input
          type="checkbox"
          checked={shown}
          onChange={(event) => setShown(event.target.checked)}
        />
        {t("auth.field.password.show")}
      </label>
      <Button type="submit" look="primary" wide disabled={reset.isPending}>
        {t("reset.submit")}
      </Button>
      <Button look="plain" onClick={onOther}>
        {t("code.again")}
      </Button>
    </form>
  );
}

function Reset({ link }: { link: LinkValues }) {
  const [search] = useSearchParams();
  const request = useRequestReset();
  const [{ email, code }, setTo] = useState(link);
  const [done, setDone] = useState(false);
  if (done) {
    return (
      <Message title={t("reset.done.title")} text={t("reset.done.text")}>
        <Link className="button primary" to={`/signin?${new URLSearchParams({ email })}`}>
          {t("nav.signin")}
        </Link>
      </Message>
    );
  }
  return (
    <div className="stack">
      <h1>{t("reset.title")}</h1>
      <NoMail />
      {email ? (
        <NewPassword
          email={email}
          code={code}
          onOther={() => setTo({ email: "", code: "" })}
          onDone={() => setDone(true)}
        />
      ) : (
        <>
          <p className="quiet">{t("reset.lead")}</p>
          <AskCode
            email={link.email || (search.get("email") ?? "")}
            request={request}
            onSent={(sentTo) => setTo({ email: sentTo, code: "" })}
          />
        </>
      )}
      <p className="quiet">
        <Link to="/signin">{t("reset.back")}</Link>
      </p>
    </div>
  );
}

export default function ResetPage() {
  const link = useLinkValues();
  return (
    <Page title={t("reset.title")} narrow>
      <Reset key={`${link.email} ${link.code}`} link={link} />
    </Page>
  );
}
