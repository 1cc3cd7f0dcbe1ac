// Confirming one's own address with the code that was mailed to it; the link of that mail fills it in.
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { useConfirmAddress, useRequestVerification } from "../api/codes";
import { type User, useMe, useSignOut } from "../api/queries";
import { t } from "../i18n";
import { type LinkValues, useLinkValues } from "../state/link-values";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Message, Page } from "../ui/page";
import { CodeField, CodeTrouble, digitsOf, isCode, NoMail } from "./code-parts";
import { SignedIn } from "./signed-in";

function Confirm({ me, link }: { me: User; link: LinkValues }) {
  const confirm = useConfirmAddress();
  const request = useRequestVerification();
  const signOut = useSignOut();
  const [bad, setBad] = useState(false);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = digitsOf(new FormData(event.currentTarget));
    setBad(!isCode(given));
    if (isCode(given)) confirm.mutate(given);
  };
  const others = link.email !== "" && link.email.toLowerCase() !== me.email;
  return (
    <div className="stack">
      <h1>{t("verify.title")}</h1>
      <NoMail />
      {others && (
        <Notice tone="warn" title={t("verify.wrong.title")}>
          <p>{t("verify.wrong.text", { email: link.email, mine: me.email })}</p>
          <div>
            <Button onClick={() => signOut.mutate()}>{t("invite.other")}</Button>
          </div>
        </Notice>
      )}
      <p className="quiet">{t("verify.lead", { email: me.email })}</p>
      <form className="stack" onSubmit={submit} noValidate>
        {confirm.isError && <CodeTrouble error={confirm.error} />}
        {request.isError && <CodeTrouble error={request.error} />}
        <CodeField
          given={others ? "" : link.code}
          error={bad ? t("code.error.digits") : undefined}
        />
        <Button type="submit" look="primary" wide disabled={confirm.isPending}>
          {t("verify.submit")}
        </Button>
        <Button look="plain" disabled={request.isPending} onClick={() => request.mutate()}>
          {t("verify.send")}
        </Button>
        <p className="quiet" role="status">
          {request.isSuccess && t("code.sent", { email: me.email })}
        </p>
      </form>
    </div>
  );
}

function Verify() {
  const me = useMe();
  const link = useLinkValues();
  if (!me.data) return null;
  if (!me.data.email_verified_at) return <Confirm me={me.data} link={link} />;
  return (
    <Message title={t("verify.done.title")} text={t("verify.done.text", { email: me.data.email })}>
      <Link className="button primary" to="/meetings">
        {t("meetings.back")}
      </Link>
    </Message>
  );
}

export default function VerifyPage() {
  return (
    <SignedIn>
      <Page title={t("verify.title")} narrow>
        <Verify />
      </Page>
    </SignedIn>
  );
}
