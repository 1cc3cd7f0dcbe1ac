// One meeting: when it is, who comes, one's answer, the way in; for who organizes it, invitations and calling it off.
import { ArrowLeft } from "lucide-react";
import { useState } from "react";
import { Link, useLocation, useParams } from "react-router";
import { type MeetingDetail, useAnswer, useCancelMeeting, useMeeting } from "../api/meetings";
import { Problem } from "../api/problem";
import { useMe, useSignOut } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { roomLink } from "../state/room-link";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import { Notice } from "../ui/notice";
import { Message, Page } from "../ui/page";
import { CopyLink } from "./copy-link";
import { Invited } from "./meeting-invited";
import { Answers, JoinMeeting, MeetingSkeleton, When } from "./meeting-parts";
import "./rooms.css";
import "./meetings.css";

function endOf(meeting: MeetingDetail): string {
  const start = new Date(meeting.starts_at).getTime();
  return new Date(start + meeting.duration_min * 60_000).toISOString();
}

function Over({ status }: { status: MeetingDetail["status"] }) {
  const cancelled = status === "cancelled";
  return (
    <Notice tone="warn" title={t(cancelled ? "meetings.cancelled" : "meetings.over")}>
      <p>{t(cancelled ? "meetings.cancelled.text" : "meetings.over.text")}</p>
    </Notice>
  );
}

function MyAnswer({ invite, status }: { invite: string; status: MeetingDetail["my_answer"] }) {
  const answer = useAnswer(invite);
  return (
    <>
      <Answers
        status={status ?? "pending"}
        busy={answer.isPending}
        onAnswer={(wish) => answer.mutate(wish)}
      />
      {answer.isError && (
        <Notice tone="bad" alert>
          <p>{sayProblem(answer.error)}</p>
        </Notice>
      )}
    </>
  );
}

function CancelMeeting({ meeting }: { meeting: MeetingDetail }) {
  const cancel = useCancelMeeting(meeting.id);
  const [asking, setAsking] = useState(false);
  const confirm = () =>
    cancel.mutate(undefined, {
      onSuccess: () => {
        setAsking(false);
        toast(t("meetings.cancel.done", { title: meeting.title }));
      },
    });
  return (
    <>
      <div className="row">
        <Button onClick={() => setAsking(true)}>{t("meetings.cancel")}</Button>
      </div>
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={t("meetings.cancel.title", { title: meeting.title })}
        text={t(meeting.rrule ? "meetings.cancel.text.series" : "meetings.cancel.text")}
      >
        {cancel.isError && (
          <Notice tone="bad" alert>
            <p>{sayProblem(cancel.error)}</p>
          </Notice>
        )}
        <div className="dialog-actions">
          <Button onClick={() => setAsking(false)}>{t("meetings.cancel.keep")}</Button>
          <Button look="danger" onClick={confirm} disabled={cancel.isPending}>
            {t("meetings.cancel")}
          </Button>
        </div>
      </Dialog>
    </>
  );
}

function Detail({ meeting }: { meeting: MeetingDetail }) {
  const next = meeting.next_occurrence;
  const over = meeting.status === "completed" || meeting.status === "cancelled";
  const organizes = meeting.my_role === "organizer" || meeting.my_role === "co_organizer";
  const startsAt = next?.starts_at ?? meeting.starts_at;
  return (
    <div className="stack">
      <Link className="back" to="/meetings">
        <ArrowLeft size={18} aria-hidden="true" />
        {t("meetings.back")}
      </Link>
      <h1 className="meeting-title">{next?.title ?? meeting.title}</h1>
      <p className="quiet">
        {meeting.my_role === "organizer"
          ? t("meetings.organizer.you")
          : t("meetings.organizer", { name: meeting.organizer.display_name })}
      </p>
      {over && <Over status={meeting.status} />}
      <div className="card stack">
        <When
          startsAt={startsAt}
          endsAt={next?.ends_at ?? endOf(meeting)}
          zone={meeting.timezone}
          rrule={meeting.rrule}
        />
        {(next?.description || meeting.description) && (
          <p className="meeting-text">{next?.description || meeting.description}</p>
        )}
        {!over && meeting.my_answer !== "declined" && (
          <JoinMeeting
            code={meeting.room_code}
            startsAt={startsAt}
            open={organizes || next?.status === "ongoing"}
          />
        )}
        {!over && meeting.my_invite_id && (
          <MyAnswer invite={meeting.my_invite_id} status={meeting.my_answer} />
        )}
      </div>
      {!over && organizes && (
        <div className="card stack">
          <h2>{t("rooms.link")}</h2>
          <p className="link-box">{roomLink(meeting.room_code)}</p>
          <div className="row">
            <CopyLink code={meeting.room_code} />
          </div>
        </div>
      )}
      <Invited meeting={meeting} invites={organizes && !over} />
      {!over && organizes && <CancelMeeting meeting={meeting} />}
    </div>
  );
}

/** Guests have the room's link; the page itself is for people with an account. */
function SignedOut() {
  const here = useLocation();
  const query = `?next=${encodeURIComponent(here.pathname)}`;
  return (
    <Message title={t("meetings.signin.title")} text={t("meetings.signin.text")}>
      <Link className="button primary" to={`/signin${query}`}>
        {t("nav.signin")}
      </Link>
      <Link className="button" to={`/signup${query}`}>
        {t("nav.signup")}
      </Link>
      <Link className="button" to="/">
        {t("meetings.signin.code")}
      </Link>
    </Message>
  );
}

function NotHere({ email }: { email: string }) {
  const signOut = useSignOut();
  return (
    <Message title={t("meetings.notfound.title")} text={t("meetings.notfound.text", { email })}>
      <Link className="button primary" to="/meetings">
        {t("meetings.back")}
      </Link>
      <Button onClick={() => signOut.mutate()}>{t("invite.other")}</Button>
    </Message>
  );
}

function MeetingOrWhyNot({ id, email }: { id: string; email: string }) {
  const meeting = useMeeting(id);
  if (meeting.data) return <Detail meeting={meeting.data} />;
  if (meeting.isPending) return <MeetingSkeleton />;
  if (meeting.error instanceof Problem && meeting.error.status === 404)
    return <NotHere email={email} />;
  return (
    <Message title={t("join.error.away.title")} text={sayProblem(meeting.error)}>
      <Button look="primary" onClick={() => meeting.refetch()}>
        {t("action.retry")}
      </Button>
    </Message>
  );
}

export default function MeetingPage() {
  const { meeting = "" } = useParams();
  const me = useMe();
  let content = <MeetingSkeleton />;
  if (me.data) content = <MeetingOrWhyNot key={meeting} id={meeting} email={me.data.email} />;
  else if (me.isError) {
    content = (
      <Message title={t("join.error.away.title")} text={sayProblem(me.error)}>
        <Button look="primary" onClick={() => me.refetch()}>
          {t("action.retry")}
        </Button>
      </Message>
    );
  } else if (!me.isPending) content = <SignedOut />;
  return <Page title={t("meetings.title.one")}>{content}</Page>;
}
