// Scheduling a meeting: a short form that ends with the link to send.
import { type FormEvent, useState } from "react";
import { Link } from "react-router";
import { type Meeting, useInvitePeople, useSchedule } from "../api/meetings";
import { Problem } from "../api/problem";
import { type AccessLevel, useMe } from "../api/queries";
import { sayProblem } from "../api/words";
import { plural, t } from "../i18n";
import { readAddresses } from "../state/addresses";
import { roomLink } from "../state/room-link";
import { fieldValue, nextHour, ownZone } from "../state/times";
import { useArrival } from "../ui/arrival";
import { Button } from "../ui/button";
import { Choice, Field, TextArea } from "../ui/field";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { CopyLink } from "./copy-link";
import { InviteLinks } from "./invite-links";
import { When } from "./meeting-parts";
import { SignedIn } from "./signed-in";
import "./meetings.css";

const DURATIONS_MIN = [15, 30, 45, 60, 90, 120, 180, 240];
const DEFAULT_DURATION_MIN = 30;
const RULES = { none: undefined, daily: "FREQ=DAILY", weekly: "FREQ=WEEKLY" } as const;
const LEVELS: readonly AccessLevel[] = ["public", "trusted", "restricted"];
/** The server's own bound for one request. */
const MOST_ADDRESSES = 100;
const LONGEST_TITLE = 200;

type Errors = Partial<Record<"title" | "start" | "emails", string>>;

interface Form {
  title: string;
  start: string;
  duration: number;
  repeat: keyof typeof RULES;
  access: AccessLevel;
  emails: string[];
}

function read(data: FormData): { form: Form; errors: Errors } {
  const text = (name: string) => String(data.get(name) ?? "").trim();
  const addresses = readAddresses(text("emails"));
  const start = text("start");
  const errors: Errors = {};
  if (!text("title")) errors.title = t("auth.error.required");
  if (!start) errors.start = t("auth.error.required");
  else if (new Date(start) <= new Date()) errors.start = t("schedule.error.past");
  if (addresses.bad.length > 0)
    errors.emails = t("schedule.error.address", { address: addresses.bad[0] ?? "" });
  else if (addresses.emails.length > MOST_ADDRESSES)
    errors.emails = t("schedule.error.many", { most: MOST_ADDRESSES });
  const repeat = text("repeat");
  const form: Form = {
    title: text("title"),
    start,
    duration: Number(text("duration")) || DEFAULT_DURATION_MIN,
    repeat: repeat === "daily" || repeat === "weekly" ? repeat : "none",
    access: LEVELS.find((level) => level === text("access")) ?? "trusted",
    emails: addresses.emails,
  };
  return { form, errors };
}

function refusals(error: unknown): Errors {
  if (!(error instanceof Problem)) return {};
  const words = (field: string) => error.fields[field]?.join(" ");
  const errors: Errors = {};
  const [title, start] = [words("title"), words("local_start") ?? words("timezone")];
  if (title) errors.title = title;
  if (start) errors.start = start;
  return errors;
}

interface ScheduleFormProps {
  onDone: (meeting: Meeting, emails: string[]) => void;
}

function ScheduleForm({ onDone }: ScheduleFormProps) {
  const schedule = useSchedule();
  const me = useMe();
  const [errors, setErrors] = useState<Errors>({});
  const [start] = useState(() => fieldValue(nextHour(new Date())));
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const target = event.currentTarget;
    const { form, errors: found } = read(new FormData(target));
    setErrors(found);
    const first = Object.keys(found)[0];
    if (first) {
      target.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
      return;
    }
    const rule = RULES[form.repeat];
    schedule.mutate(
      {
        title: form.title,
        local_start: `${form.start}:00`,
        timezone: ownZone(),
        duration_min: form.duration,
        access_level: form.access,
        ...(rule ? { rrule: rule } : {}),
      },
      {
        onSuccess: (meeting) => onDone(meeting, form.emails),
        onError: (error) => setErrors(refusals(error)),
      },
    );
  };
  const unexplained = schedule.isError && Object.keys(errors).length === 0;
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {unexplained && (
        <Notice tone="bad" alert>
          <p>{sayProblem(schedule.error)}</p>
        </Notice>
      )}
      <Field
        label={t("schedule.name")}
        name="title"
        autoComplete="off"
        maxLength={LONGEST_TITLE}
        required
        error={errors.title}
      />
      <Field
        label={t("schedule.start")}
        hint={t("schedule.start.hint", { zone: ownZone() })}
        name="start"
        type="datetime-local"
        defaultValue={start}
        required
        error={errors.start}
      />
      <div className="pair">
        <Choice
          label={t("schedule.duration")}
          name="duration"
          defaultValue={DEFAULT_DURATION_MIN}
          options={DURATIONS_MIN.map((minutes) => [String(minutes), duration(minutes)])}
        />
        <Choice
          label={t("schedule.repeat")}
          name="repeat"
          defaultValue="none"
          options={[
            ["none", t("schedule.repeat.none")],
            ["daily", t("meetings.repeats.daily")],
            ["weekly", t("meetings.repeats.weekly")],
          ]}
        />
      </div>
      <Choice
        label={t("rooms.access.label")}
        name="access"
        defaultValue={me.data?.default_room_access ?? "trusted"}
        options={LEVELS.map((level) => [level, t(`schedule.access.${level}`)])}
      />
      <TextArea
        label={t("schedule.emails")}
        hint={t("schedule.emails.hint")}
        name="emails"
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        rows={3}
        error={errors.emails}
      />
      <div className="dialog-actions">
        <Link className="button" to="/meetings">
          {t("action.cancel")}
        </Link>
        <Button type="submit" look="primary" disabled={schedule.isPending}>
          {t("schedule.submit")}
        </Button>
      </div>
    </form>
  );
}

function duration(minutes: number): string {
  if (minutes < 60) return t("schedule.minutes", { count: minutes });
  return minutes === 60 ? t("schedule.hour") : t("schedule.hours", { count: minutes / 60 });
}

interface ScheduledProps {
  meeting: Meeting;
  invite: ReturnType<typeof useInvitePeople>;
}

/** The link to send, and how the invitations went out. */
function Scheduled({ meeting, invite }: ScheduledProps) {
  const heading = useArrival<HTMLHeadingElement>();
  const link = roomLink(meeting.room_code);
  const invites = invite.data?.items ?? [];
  const mailed = invites.filter((one) => !one.link).length;
  const endsAt = new Date(new Date(meeting.starts_at).getTime() + meeting.duration_min * 60_000);
  return (
    <div className="stack">
      <h1 ref={heading} tabIndex={-1} className="meeting-title">
        {t("schedule.done", { title: meeting.title })}
      </h1>
      <When
        startsAt={meeting.starts_at}
        endsAt={endsAt.toISOString()}
        zone={meeting.timezone}
        rrule={meeting.rrule}
      />
      <div className="card stack">
        <h2>{t("rooms.link")}</h2>
        <p className="link-box">{link}</p>
        <div className="row">
          <CopyLink code={meeting.room_code} look="primary" />
          <Link className="button" to={`/meetings/${meeting.id}`}>
            {t("schedule.see")}
          </Link>
        </div>
      </div>
      {invite.isError && (
        <Notice tone="bad" title={t("schedule.invite.failed")} alert>
          <p>{sayProblem(invite.error)}</p>
          <div>
            <Button onClick={() => invite.variables && invite.mutate(invite.variables)}>
              {t("action.retry")}
            </Button>
          </div>
        </Notice>
      )}
      {mailed > 0 && (
        <Notice>
          <p>{plural("schedule.invited", mailed)}</p>
        </Notice>
      )}
      <InviteLinks invites={invites} />
    </div>
  );
}

function Schedule() {
  const invite = useInvitePeople();
  const [meeting, setMeeting] = useState<Meeting>();
  if (meeting) return <Scheduled meeting={meeting} invite={invite} />;
  return (
    <div className="stack">
      <h1>{t("meetings.schedule")}</h1>
      <ScheduleForm
        onDone={(made, emails) => {
          setMeeting(made);
          if (emails.length > 0) invite.mutate({ meeting: made.id, emails });
        }}
      />
    </div>
  );
}

export default function SchedulePage() {
  return (
    <SignedIn>
      <Page title={t("meetings.schedule")} narrow>
        <Schedule />
      </Page>
    </SignedIn>
  );
}
