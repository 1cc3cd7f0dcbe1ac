// After the call: why it ended, how long it was, who was there, and the way back in.
import { Link } from "react-router";
import { useMe, useRoomNow } from "../api/queries";
import { type CallSummary, durationWords } from "../call/summary";
import { type MessageKey, t } from "../i18n";
import { forgetPass } from "../state/passes";
import { Button } from "../ui/button";
import { Page } from "../ui/page";

interface Words {
  title: MessageKey;
  text?: MessageKey;
}

const WORDS: Record<CallSummary["reason"], Words> = {
  left: { title: "after.left" },
  ended: { title: "after.ended", text: "after.ended.own" },
  removed: { title: "after.removed", text: "after.removed.text" },
  duplicate: { title: "after.duplicate", text: "after.duplicate.text" },
  closed: { title: "after.closed", text: "after.closed.text" },
  lost: { title: "after.lost", text: "after.lost.text" },
};

/** The call ended for everybody, the room is still there. */
const ENDED_BY_HOST = { title: "after.ended", text: "after.ended.text" } as const;

interface AfterCallProps {
  code: string;
  summary: CallSummary;
  onRejoin: () => void;
}

export function AfterCall({ code, summary, onRejoin }: AfterCallProps) {
  const me = useMe();
  // A call that ends for everybody and a room that closes are the same to the call's connection.
  const room = useRoomNow(code, summary.reason === "closed");
  const ended = summary.reason === "closed" && !room.isError && room.data?.is_active !== false;
  const { title, text }: Words = ended ? ENDED_BY_HOST : WORDS[summary.reason];
  // A guest who goes for good is nobody any more, except to hosts who removed them.
  const onLeave = () => {
    if (summary.reason !== "removed") void forgetPass(code);
  };
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
        {(ended || summary.reason !== "closed") && (
          <Button look="primary" onClick={onRejoin}>
            {t("after.rejoin")}
          </Button>
        )}
        <Link className="button" to={me.data ? "/rooms" : "/"} onClick={onLeave}>
          {me.data ? t("action.rooms") : t("action.home")}
        </Link>
      </div>
    </Page>
  );
}
