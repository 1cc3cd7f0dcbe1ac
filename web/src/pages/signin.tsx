// Signing in with address and password.
import type { FormEvent } from "react";
import { Link, Navigate, useNavigate, useSearchParams } from "react-router";
import { Problem } from "../api/problem";
import { useMe, useServerConfig, useSignIn } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { safeNext } from "../state/next";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";

function words(error: unknown): string {
  const wrong = error instanceof Problem && (error.status === 401 || error.status === 422);
  return wrong ? t("auth.error.credentials") : sayProblem(error);
}

export default function SignInPage() {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const me = useMe();
  const signIn = useSignIn();
  const config = useServerConfig();
  const next = safeNext(search.get("next"));
  if (me.data) return <Navigate to={next} replace />;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    signIn.mutate(
      {
        identifier: String(data.get("identifier") ?? "").trim(),
        password: String(data.get("password") ?? ""),
      },
      { onSuccess: () => navigate(next, { replace: true }) },
    );
  };
  return (
    <Page title={t("auth.signin.title")} narrow>
      <div className="stack">
        <h1>{t("auth.signin.title")}</h1>
        {search.get("next") && <p className="quiet">{t("auth.next")}</p>}
        <form className="stack" onSubmit={submit}>
          {signIn.isError && (
            <Notice tone="bad" alert>
              <p>{words(signIn.error)}</p>
            </Notice>
          )}
          <Field
            label={t("auth.field.identifier")}
            name="identifier"
            type="text"
            inputMode="email"
            autoComplete="username"
            defaultValue={search.get("email") ?? ""}
            required
          />
          <Field
            label={t("auth.field.password")}
            name="password"
            type="password"
            autoComplete="current-password"
            required
          />
          <Button type="submit" look="primary" wide disabled={signIn.isPending}>
            {t("auth.signin.submit")}
          </Button>
        </form>
        {config.data?.mail_configured && (
          <p className="quiet">
            <Link to={`/signin/code?${search.toString()}`}>{t("auth.signin.code")}</Link>
            {" · "}
            <Link to={`/reset?${search.toString()}`}>{t("auth.signin.reset")}</Link>
          </p>
        )}
        <p className="quiet">
          {t("auth.signin.other")}{" "}
          <Link to={`/signup?${search.toString()}`}>{t("nav.signup")}</Link>
        </p>
      </div>
    </Page>
  );
}
