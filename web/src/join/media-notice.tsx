// What keeps camera or microphone from starting, and the way out: try again, or the secure address.
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { type MediaTrouble, troubleWords } from "./media-trouble";

/** The HTTPS port of a server that runs with its defaults. */
const HTTPS_PORT = 7843;

function SecureLink() {
  const address = `https://${location.hostname}:${HTTPS_PORT}${location.pathname}`;
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
