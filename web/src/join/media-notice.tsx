// What keeps camera or microphone from starting, and the way out: try again, or the secure address.
import { useServerConfig } from "../api/queries";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { type MediaTrouble, troubleWords } from "./media-trouble";
import { secureAddress } from "./secure-address";

function SecureLink() {
  const config = useServerConfig();
  const address = config.data && secureAddress(config.data, location);
  if (!address) return null;
  return (
    <a className="button primary" href={address}>
      {t("media.insecure.link")}
    </a>
  );
}

export function MediaNotice({ trouble, onRetry }: { trouble: MediaTrouble; onRetry: () => void }) {
  const words = troubleWords(trouble);
  const insecure = trouble.cause === "insecure";
  return (
    <Notice tone="warn" alert title={t(words.title)}>
      <p>{t(words.text)}</p>
      <div>
        {insecure && <SecureLink />}
        {!insecure && trouble.cause !== "unsupported" && (
          <Button onClick={onRetry}>{t("action.retry")}</Button>
        )}
      </div>
    </Notice>
  );
}
