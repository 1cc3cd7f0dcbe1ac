// After the call: why it ended, how long it was, who was there, and the way back in.
import { Link } from "react-router";
import { useMe } from "../api/queries";
import { type CallSummary, durationWords } from "../call/summary";
import { type MessageKey, t } from "../i18n";
import { Button } from "../ui/button";
import { Page } from "../ui/page";

const WORDS: Record<CallSummary["reason"], { title: MessageKey; text?: MessageKey }> = {
  left: { title: "after.left" },
  ended: { title: "after.ended" },
  removed: { title: "after.removed", text: "after.removed.text" },
  duplicate: { title: "after.duplicate", text: "after.duplicate.text" },
  closed: { title: "after.closed", text: "after.closed.text" },
  lost: { title: "after.lost", text: "after.lost.text" },
};

interface AfterCallProps {
  summary: CallSummary;
  onRejoin: () => void;
}

export function AfterCall({ summary, onRejoin }: AfterCallProps) {
  const me = useMe();
  const { title, text } = WORDS[summary.reason];
  return (
    <Page title={t(title)} narrow>
      <div className="stack" role="status">
        <h1>{t(title)}</h1>
        {text && <p className="quiet">{t(text)}</p>}
      </div>
      <div className="card stack after-card">
        <div>
          <h2>{t("after.duration")}</h2>
          <p>{durationWords(summary.durationMs)}</p>
        </div>
        <div>
          <h2>{t("after.people")}</h2>
          {summary.people.length === 0 ? (
            <p>{t("after.people.alone")}</p>
          ) : (
            <ul className="after-people">
              {summary.people.map((person) => (
                <li key={person.identity}>{person.name || t("call.name.unknown")}</li>
              ))}
            </ul>
          )}
        </div>
      </div>
      <div className="row after-actions">
        {summary.reason !== "closed" && (
          <Button look="primary" onClick={onRejoin}>
            {t("after.rejoin")}
          </Button>
        )}
        <Link className="button" to={me.data ? "/rooms" : "/"}>
          {me.data ? t("action.rooms") : t("action.home")}
        </Link>
      </div>
    </Page>
  );
}
