// What several pages about meetings show alike: when it is, one's answer, the way in.
import { CalendarClock, Repeat, Video } from "lucide-react";
import { Link } from "react-router";
import type { Answer, Invite } from "../api/meetings";
import { t } from "../i18n";
import { useNow } from "../state/now";
import { opensAt, ownZone, repetition, sameClock, shortTime, span } from "../state/times";
import { Button } from "../ui/button";

interface WhenProps {
  startsAt: string;
  endsAt: string;
  /** The zone the meeting was planned in. */
  zone: string;
  rrule?: string | null | undefined;
}

export function When({ startsAt, endsAt, zone, rrule }: WhenProps) {
  const repeats = repetition(rrule);
  const own = ownZone();
  return (
    <div className="meeting-when">
      <p className="meeting-line">
        <CalendarClock size={20} aria-hidden="true" />
        <span>
          <time dateTime={startsAt}>{span(startsAt, endsAt)}</time>{" "}
          <span className="quiet small">({own})</span>
        </span>
      </p>
      {!sameClock(startsAt, own, zone) && (
        <p className="quiet small meeting-line-more">
          {t("meetings.there", { time: shortTime(startsAt, zone), zone })}
        </p>
      )}
      {repeats && (
        <p className="meeting-line">
          <Repeat size={20} aria-hidden="true" />
          <span>{repeats}</span>
        </p>
      )}
    </div>
  );
}

const ANSWERS: readonly Answer[] = ["accepted", "tentative", "declined"];

interface AnswersProps {
  status: Invite["status"];
  busy: boolean;
  onAnswer: (answer: Answer) => void;
}

/** The three answers; the one that holds is pressed. */
export function Answers({ status, busy, onAnswer }: AnswersProps) {
  return (
    <fieldset className="answers">
      <legend>{t("meetings.answer")}</legend>
      <div className="row">
        {ANSWERS.map((answer) => (
          <Button
            key={answer}
            aria-pressed={status === answer}
            aria-disabled={busy}
            onClick={() => !busy && onAnswer(answer)}
          >
            {t(`meetings.answer.${answer}`)}
          </Button>
        ))}
      </div>
      <p className="quiet small" role="status">
        {t(`meetings.answered.${status}`)}
      </p>
    </fieldset>
  );
}

interface JoinProps {
  code: string;
  startsAt: string;
  /** It runs already, or the person may open it at any time. */
  open: boolean;
}

/** The way in from half an hour before the start; before that, when it opens. */
export function JoinMeeting({ code, startsAt, open }: JoinProps) {
  const now = useNow();
  const opens = opensAt(startsAt);
  if (!open && now < opens) {
    return <p className="quiet">{t("meetings.opens", { time: shortTime(opens.toISOString()) })}</p>;
  }
  return (
    <div className="row">
      <Link className="button primary" to={`/j/${code}`}>
        <Video size={18} aria-hidden="true" />
        {t("meetings.join")}
      </Link>
    </div>
  );
}

/** Stands where a meeting will stand in a moment. */
export function MeetingSkeleton() {
  return (
    <div className="stack" role="status" aria-label={t("app.loading")}>
      <div className="skeleton meeting-skeleton-title" />
      <div className="skeleton meeting-skeleton" />
    </div>
  );
}
