// The one-time link that the server prints at its first start: makes the first administrator.
import { useNavigate, useSearchParams } from "react-router";
import { t } from "../i18n";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { AccountForm } from "./account-form";

export default function SetupPage() {
  const [search] = useSearchParams();
  const navigate = useNavigate();
  const token = search.get("token");
  return (
    <Page title={t("auth.setup.title")} narrow>
      <div className="stack">
        <h1>{t("auth.setup.title")}</h1>
        {token ? (
          <>
            <p className="quiet">{t("auth.setup.lead")}</p>
            <AccountForm
              submitLabel={t("auth.setup.submit")}
              setupToken={token}
              onDone={() => navigate("/rooms", { replace: true })}
            />
          </>
        ) : (
          <Notice tone="warn" alert>
            <p>{t("auth.setup.missing")}</p>
          </Notice>
        )}
      </div>
    </Page>
  );
}
