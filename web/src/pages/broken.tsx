// Shown when a page throws while it renders, or when a part of the app cannot be loaded.
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Message } from "../ui/page";

export function BrokenPage() {
  return (
    <main className="shell-main">
      <Message title={t("error.page.title")} text={t("error.page.text")}>
        <Button look="primary" onClick={() => location.reload()}>
          {t("error.page.reload")}
        </Button>
      </Message>
    </main>
  );
}
