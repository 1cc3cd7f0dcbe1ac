// Making an account.
import { Link, Navigate, useNavigate, useSearchParams } from "react-router";
import { useMe } from "../api/queries";
import { t } from "../i18n";
import { safeNext } from "../state/next";
import { Page } from "../ui/page";
import { AccountForm } from "./account-form";

export default function SignUpPage() {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const me = useMe();
  const next = safeNext(search.get("next"));
  if (me.data) return <Navigate to={next} replace />;
  return (
    <Page title={t("auth.signup.title")} narrow>
      <div className="stack">
        <h1>{t("auth.signup.title")}</h1>
        <AccountForm
          submitLabel={t("auth.signup.submit")}
          email={search.get("email") ?? ""}
          inviteToken={search.get("invite") ?? undefined}
          onDone={() => navigate(next, { replace: true })}
        />
        <p className="quiet">
          {t("auth.signup.other")}{" "}
          <Link to={`/signin?${search.toString()}`}>{t("nav.signin")}</Link>
        </p>
      </div>
    </Page>
  );
}
