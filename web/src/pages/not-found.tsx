// An address that no page has.
import { Link } from "react-router";
import { t } from "../i18n";
import { Message, Page } from "../ui/page";

export function NotFoundPage() {
  return (
    <Page title={t("notfound.title")}>
      <Message title={t("notfound.title")} text={t("notfound.text")}>
        <Link className="button primary" to="/">
          {t("action.home")}
        </Link>
      </Message>
    </Page>
  );
}
