// Signing in with a code by mail; the link of that mail fills it in.
import { type FormEvent, useState } from "react";
import { Link, Navigate, useNavigate, useSearchParams } from "react-router";
import { useRequestCode, useSignInByCode } from "../api/codes";
import { useMe } from "../api/queries";
import { t } from "../i18n";
import { type LinkValues, useLinkValues } from "../state/link-values";
import { safeNext } from "../state/next";
import { useArrival } from "../ui/arrival";
import { Button } from "../ui/button";
import { Page } from "../ui/page";
import { AskCode } from "./ask-code";
import { CodeField, CodeTrouble, digitsOf, isCode, NoMail } from "./code-parts";

interface EnterCodeProps {
  email: string;
  code: string;
  onOther: () => void;
  onDone: () => void;
}

function EnterCode({ email, code, onOther, onDone }: EnterCodeProps) {
  const signIn = useSignInByCode();
  const arrival = useArrival<HTMLParagraphElement>();
  const [bad, setBad] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = digitsOf(new FormData(event.currentTarget));
    setBad(!isCode(given));
    if (isCode(given)) signIn.mutate({ email, code: given }, { onSuccess: onDone });
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      <p ref={arrival} tabIndex={-1} className="quiet">
        {t(code ? "code.ready" : "code.sent", { email })}
      </p>
      {signIn.isError && <CodeTrouble error={signIn.error} />}
      <CodeField given={code} error={bad ? t("code.error.digits") : undefined} />
      <Button type="submit" look="primary" wide disabled={signIn.isPending}>
        {t("auth.signin.submit")}
      </Button>
      <Button look="plain" onClick={onOther}>
        {t("code.again")}
      </Button>
    </form>
  );
}

function ByCode({ link, next }: { link: LinkValues; next: string }) {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const request = useRequestCode();
  const [{ email, code }, setTo] = useState(link);
  return (
    <div className="stack">
      <h1>{t("code.signin.title")}</h1>
      <NoMail />
      {email ? (
        <EnterCode
          email={email}
          code={code}
          onOther={() => setTo({ email: "", code: "" })}
          onDone={() => navigate(next, { replace: true })}
        />
      ) : (
        <>
          <p className="quiet">{t("code.signin.lead")}</p>
          <AskCode
            email={link.email || (search.get("email") ?? "")}
            request={request}
            onSent={(sentTo) => setTo({ email: sentTo, code: "" })}
          />
        </>
      )}
      <p className="quiet">
        <Link to={`/signin?${search.toString()}`}>{t("code.password")}</Link>
      </p>
    </div>
  );
}

export default function SignInByCodePage() {
  const [search] = useSearchParams();
  const me = useMe();
  const link = useLinkValues();
  const next = safeNext(search.get("next"));
  // Who is signed in already has no use for the page, but may have for a link that is another account's.
  if (me.data && !link.code) return <Navigate to={next} replace />;
  return (
    <Page title={t("code.signin.title")} narrow>
      <ByCode key={`${link.email} ${link.code}`} link={link} next={next} />
    </Page>
  );
}
