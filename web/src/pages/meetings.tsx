// What lies ahead: the meetings one organizes or is invited to.
import { CalendarPlus, Video } from "lucide-react";
import { Link } from "react-router";
import { type ListedMeeting, useUpcoming } from "../api/meetings";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { useNow } from "../state/now";
import { opensAt, repetition, shortTime } from "../state/times";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { AddressNotice } from "./address-notice";
import { SignedIn } from "./signed-in";
import "./rooms.css";
import "./meetings.css";

/** The facts of a row below its title, the most urgent first. */
function facts(meeting: ListedMeeting, startsAt: string): string {
  const running = meeting.occurrence?.status === "ongoing";
  const waits = meeting.my_role !== "organizer" && meeting.my_answer;
  return [
    running ? t("meetings.running") : shortTime(startsAt),
    repetition(meeting.rrule),
    meeting.my_role === "organizer"
      ? t("meetings.yours")
      : t("meetings.by", { name: meeting.organizer.display_name }),
    waits ? t(`meetings.mine.${waits}`) : undefined,
  ]
    .filter(Boolean)
    .join(" · ");
}

function MeetingRow({ meeting, now }: { meeting: ListedMeeting; now: Date }) {
  const startsAt = meeting.occurrence?.starts_at ?? meeting.starts_at;
  const title = meeting.occurrence?.title ?? meeting.title;
  const open = meeting.occurrence?.status === "ongoing" || now >= opensAt(startsAt);
  return (
    <li className="room-row card">
      <div className="room-row-text">
        <Link className="room-row-name" to={`/meetings/${meeting.id}`}>
          {title}
        </Link>
        <span className="quiet small">{facts(meeting, startsAt)}</span>
      </div>
      {open && meeting.my_answer !== "declined" && (
        <div className="room-row-actions">
          <Link
            className="button primary"
            to={`/j/${meeting.room_code}`}
            aria-label={t("rooms.join.named", { name: title })}
          >
            <Video size={18} aria-hidden="true" />
            {t("rooms.join")}
          </Link>
        </div>
      )}
    </li>
  );
}

function Skeletons() {
  return (
    <div className="stack" role="status" aria-label={t("app.loading")}>
      {[0, 1, 2].map((row) => (
        <div key={row} className="skeleton room-skeleton" />
      ))}
    </div>
  );
}

function ScheduleLink({ look = "" }: { look?: "" | "primary" }) {
  return (
    <Link className={`button ${look}`.trim()} to="/meetings/new">
      <CalendarPlus size={18} aria-hidden="true" />
      {t("meetings.schedule")}
    </Link>
  );
}

function Upcoming() {
  const meetings = useUpcoming();
  const now = useNow();
  if (meetings.isPending) return <Skeletons />;
  if (meetings.isError) {
    return (
      <Notice tone="bad" alert>
        <p>{sayProblem(meetings.error)}</p>
        <div>
          <Button onClick={() => meetings.refetch()}>{t("action.retry")}</Button>
        </div>
      </Notice>
    );
  }
  const list = meetings.data.pages.flatMap((page) => page.items);
  if (list.length === 0) {
    return (
      <div className="centred">
        <h2>{t("meetings.empty.title")}</h2>
        <p className="quiet">{t("meetings.empty.text")}</p>
        <ScheduleLink look="primary" />
      </div>
    );
  }
  return (
    <>
      <ul className="room-list stack">
        {list.map((meeting) => (
          <MeetingRow key={meeting.id} meeting={meeting} now={now} />
        ))}
      </ul>
      {meetings.hasNextPage && (
        <Button onClick={() => meetings.fetchNextPage()} disabled={meetings.isFetchingNextPage}>
          {t("meetings.more")}
        </Button>
      )}
    </>
  );
}

export default function MeetingsPage() {
  return (
    <SignedIn>
      <Page title={t("meetings.title")}>
        <div className="stack">
          <div className="row spread">
            <h1>{t("meetings.title")}</h1>
            <ScheduleLink />
          </div>
          <AddressNotice />
          <Upcoming />
        </div>
      </Page>
    </SignedIn>
  );
}
