// An invitation to a meeting, as the link in a mail opens it: what it is, the three answers, the way in. Needs no account.
import { Link, useParams } from "react-router";
import { type Invitation, useAnswer, useInvitation } from "../api/meetings";
import { Problem } from "../api/problem";
import { type User, useMe, useSignOut } from "../api/queries";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Message, Page } from "../ui/page";
import { Answers, JoinMeeting, MeetingSkeleton, When } from "./meeting-parts";
import "./meetings.css";

/** What an account adds, or whose invitation it is when it is another's. */
function WhoseInvitation({ token, of, me }: { token: string; of: Invitation; me: User | null }) {
  const answer = useAnswer(token);
  const signOut = useSignOut();
  const { user_id, status } = of.invite;
  const email = of.invite.email ?? "";
  if (!me) {
    const query = new URLSearchParams({ next: `/invites/${token}`, email }).toString();
    return (
      <p className="quiet">
        {t("invite.account")} <Link to={`/signin?${query}`}>{t("nav.signin")}</Link>
        {" · "}
        <Link to={`/signup?${query}`}>{t("nav.signup")}</Link>
      </p>
    );
  }
  if (user_id === me.id) {
    return (
      <p>
        <Link to={`/meetings/${of.meeting_id}`}>{t("invite.see")}</Link>
      </p>
    );
  }
  if (user_id) {
    return (
      <Notice tone="warn" title={t("invite.wrong.title")}>
        <p>{t("invite.wrong.text", { email, mine: me.email })}</p>
        <div>
          <Button onClick={() => signOut.mutate()}>{t("invite.other")}</Button>
        </div>
      </Notice>
    );
  }
  return (
    <Notice>
      <p>
        {status !== "pending" && t("invite.keep.answered", { mine: me.email })}
        {status === "pending" &&
          (me.email === email
            ? t("invite.keep.text")
            : t("invite.keep.other", { email, mine: me.email }))}
      </p>
      {status !== "pending" && (
        <div>
          <Button disabled={answer.isPending} onClick={() => answer.mutate(status)}>
            {t("invite.keep")}
          </Button>
        </div>
      )}
    </Notice>
  );
}

function Open({ token, of, me }: { token: string; of: Invitation; me: User | null }) {
  const answer = useAnswer(token);
  const next = of.next_occurrence;
  const startsAt = next?.starts_at ?? of.starts_at;
  const ends = new Date(new Date(of.starts_at).getTime() + of.duration_min * 60_000);
  const description = next?.description || of.description;
  return (
    <div className="stack">
      <p className="quiet">{t("invite.by", { name: of.organizer_name })}</p>
      <h1 className="meeting-title">{next?.title ?? of.title}</h1>
      <div className="card stack">
        <When
          startsAt={startsAt}
          endsAt={next?.ends_at ?? ends.toISOString()}
          zone={of.timezone}
          rrule={of.rrule}
        />
        {description && <p className="meeting-text">{description}</p>}
        <Answers
          status={of.invite.status}
          busy={answer.isPending}
          onAnswer={(wish) => answer.mutate(wish)}
        />
        {answer.isError && (
          <Notice tone="bad" alert>
            <p>{sayProblem(answer.error)}</p>
          </Notice>
        )}
        {of.invite.status !== "declined" && (
          <JoinMeeting code={of.room_code} startsAt={startsAt} open={next?.status === "ongoing"} />
        )}
      </div>
      <WhoseInvitation token={token} of={of} me={me} />
    </div>
  );
}

function Closed({ of }: { of: Invitation }) {
  const cancelled = of.status === "cancelled";
  return (
    <Message
      title={t(cancelled ? "invite.cancelled" : "invite.over", { title: of.title })}
      text={t("invite.over.text", { name: of.organizer_name })}
    >
      <Link className="button" to="/">
        {t("action.home")}
      </Link>
    </Message>
  );
}

function InvitationOrWhyNot({ token }: { token: string }) {
  const invitation = useInvitation(token);
  const me = useMe();
  if (invitation.isPending || me.isPending) return <MeetingSkeleton />;
  if (invitation.data) {
    const over = ["completed", "cancelled"].includes(invitation.data.status);
    if (over) return <Closed of={invitation.data} />;
    return <Open token={token} of={invitation.data} me={me.data ?? null} />;
  }
  const gone = invitation.error instanceof Problem && invitation.error.status === 404;
  return (
    <Message
      title={gone ? t("invite.gone.title") : t("join.error.away.title")}
      text={gone ? t("invite.gone.text") : sayProblem(invitation.error)}
    >
      {!gone && (
        <Button look="primary" onClick={() => invitation.refetch()}>
          {t("action.retry")}
        </Button>
      )}
      <Link className="button" to="/">
        {t("action.home")}
      </Link>
    </Message>
  );
}

export default function InvitationPage() {
  const { token = "" } = useParams();
  return (
    <Page title={t("invite.title")}>
      <InvitationOrWhyNot key={token} token={token} />
    </Page>
  );
}
