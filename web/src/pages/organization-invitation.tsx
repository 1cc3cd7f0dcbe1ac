// An invitation to an organization, by the link of a mail or of a notification: join with an account, or decline.
import { useState } from "react";
import { Link, useLocation, useParams } from "react-router";
import {
  isInviteId,
  type OrganizationInvite,
  useAnswerOrganization,
  useOrganizationInvite,
} from "../api/organization-invites";
import { Problem } from "../api/problem";
import { type User, useMe, useSignOut } from "../api/queries";
import { sayProblem } from "../api/words";
import { locale, t } from "../i18n";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Message, Page } from "../ui/page";
import { MeetingSkeleton } from "./meeting-parts";
import "./meetings.css";

const day = new Intl.DateTimeFormat(locale, { dateStyle: "long" });

interface OpenProps {
  name: string;
  invite: OrganizationInvite;
  me: User | null;
  onAnswered: (joined: boolean) => void;
}

/** The ways to an account and back here. */
function Accounts({ name, email }: { name: string; email: string }) {
  const here = useLocation();
  const values = { next: here.pathname, email, ...(isInviteId(name) ? {} : { invite: name }) };
  const query = new URLSearchParams(values).toString();
  return (
    <>
      <Link className="button primary" to={`/signin?${query}`}>
        {t("org.signin")}
      </Link>
      <Link className="button" to={`/signup?${query}`}>
        {t("org.signup")}
      </Link>
    </>
  );
}

function Open({ name, invite, me, onAnswered }: OpenProps) {
  const answer = useAnswerOrganization(name);
  const signOut = useSignOut();
  const give = (joins: boolean) => answer.mutate(joins, { onSuccess: () => onAnswered(joins) });
  return (
    <div className="stack">
      <p className="quiet">{t("invite.by", { name: invite.invited_by_name })}</p>
      <h1 className="meeting-title">{t("org.title", { org: invite.org_name })}</h1>
      <p className="quiet">
        {t("org.facts", {
          email: invite.email,
          date: day.format(new Date(invite.expires_at)),
        })}
      </p>
      {answer.isError && (
        <Notice tone="bad" alert>
          <p>{sayProblem(answer.error)}</p>
        </Notice>
      )}
      {me && me.email !== invite.email && (
        <Notice tone="warn" title={t("org.wrong.title")}>
          <p>{t("org.wrong.text", { email: invite.email, mine: me.email })}</p>
          <div>
            <Button onClick={() => signOut.mutate()}>{t("invite.other")}</Button>
          </div>
        </Notice>
      )}
      <div className="row">
        {me ? (
          <Button look="primary" disabled={answer.isPending} onClick={() => give(true)}>
            {t("org.accept")}
          </Button>
        ) : (
          <Accounts name={name} email={invite.email} />
        )}
        <Button disabled={answer.isPending} onClick={() => give(false)}>
          {t("org.decline")}
        </Button>
      </div>
    </div>
  );
}

function Answered({ org, joined }: { org: string; joined: boolean }) {
  return (
    <Message
      title={t(joined ? "org.joined" : "org.declined", { org })}
      text={t(joined ? "org.joined.text" : "org.declined.text")}
    >
      <Link className="button" to={joined ? "/meetings" : "/"}>
        {t(joined ? "meetings.back" : "action.home")}
      </Link>
    </Message>
  );
}

function InviteOrWhyNot({ name }: { name: string }) {
  const invite = useOrganizationInvite(name);
  const me = useMe();
  const [answered, setAnswered] = useState<{ org: string; joined: boolean }>();
  if (answered) return <Answered {...answered} />;
  if (invite.isPending || me.isPending) return <MeetingSkeleton />;
  if (invite.data) {
    const org = invite.data.org_name;
    return (
      <Open
        name={name}
        invite={invite.data}
        me={me.data ?? null}
        onAnswered={(joined) => setAnswered({ org, joined })}
      />
    );
  }
  const status = invite.error instanceof Problem ? invite.error.status : 0;
  if (status === 401) {
    return (
      <Message title={t("org.signin.title")} text={t("auth.next")}>
        <Accounts name={name} email="" />
      </Message>
    );
  }
  return (
    <Message
      title={status === 404 ? t("invite.gone.title") : t("join.error.away.title")}
      text={status === 404 ? t("org.gone.text") : sayProblem(invite.error)}
    >
      {status !== 404 && (
        <Button look="primary" onClick={() => invite.refetch()}>
          {t("action.retry")}
        </Button>
      )}
      <Link className="button" to="/">
        {t("action.home")}
      </Link>
    </Message>
  );
}

export default function OrganizationInvitationPage() {
  const { invite = "" } = useParams();
  return (
    <Page title={t("invite.title")} narrow>
      <InviteOrWhyNot key={invite} name={invite} />
    </Page>
  );
}
