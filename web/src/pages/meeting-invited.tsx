// Who is invited to a meeting and what they answered; for who organizes it, the way to invite more.
import { type FormEvent, useState } from "react";
import { type Invite, type MeetingDetail, useInvitePeople, useInvites } from "../api/meetings";
import { sayProblem } from "../api/words";
import { plural, t } from "../i18n";
import { readAddresses } from "../state/addresses";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";
import { TextArea } from "../ui/field";
import { Notice } from "../ui/notice";
import { InviteLinks } from "./invite-links";

/** Addresses are for organizers; others see names, and that somebody without an account is invited. */
function nameOf(invite: Invite): string {
  return invite.display_name ?? invite.email ?? t("meetings.invited.unnamed");
}

function InviteMore({ meeting }: { meeting: string }) {
  const invite = useInvitePeople();
  const [error, setError] = useState<string>();
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const { emails, bad } = readAddresses(String(new FormData(form).get("emails") ?? ""));
    const wrong = bad[0] && t("schedule.error.address", { address: bad[0] });
    const found = wrong || (emails.length === 0 ? t("auth.error.required") : undefined);
    setError(found);
    if (found) {
      form.querySelector("textarea")?.focus();
      return;
    }
    invite.mutate(
      { meeting, emails },
      {
        onSuccess: ({ items }) => {
          form.reset();
          const mailed = items.filter((one) => !one.link).length;
          if (mailed > 0) toast(plural("schedule.invited", mailed));
        },
      },
    );
  };
  return (
    <>
      <form className="stack" onSubmit={submit} noValidate>
        {invite.isError && (
          <Notice tone="bad" alert>
            <p>{sayProblem(invite.error)}</p>
          </Notice>
        )}
        <TextArea
          label={t("meetings.invite")}
          hint={t("meetings.invite.hint")}
          name="emails"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          rows={2}
          error={error}
        />
        <div className="row">
          <Button type="submit" disabled={invite.isPending}>
            {t("meetings.invite.submit")}
          </Button>
        </div>
      </form>
      <InviteLinks invites={invite.data?.items ?? []} />
    </>
  );
}

interface InvitedProps {
  meeting: MeetingDetail;
  /** Whether more people may be invited. */
  invites: boolean;
}

export function Invited({ meeting, invites: may }: InvitedProps) {
  const invites = useInvites(meeting.id);
  const list = invites.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className="card stack" aria-labelledby="invited">
      <h2 id="invited">{t("meetings.invited")}</h2>
      {invites.isError && (
        <Notice tone="bad" alert>
          <p>{sayProblem(invites.error)}</p>
        </Notice>
      )}
      {invites.isSuccess && list.length === 0 && (
        <p className="quiet">{t("meetings.invited.none")}</p>
      )}
      {list.length > 0 && (
        <ul className="people-list">
          {list.map((invite) => (
            <li key={invite.id}>
              <span className="who">{nameOf(invite)}</span>
              <span className="quiet">{t(`meetings.status.${invite.status}`)}</span>
            </li>
          ))}
        </ul>
      )}
      {invites.hasNextPage && (
        <Button onClick={() => invites.fetchNextPage()} disabled={invites.isFetchingNextPage}>
          {t("meetings.invited.more")}
        </Button>
      )}
      {may && <InviteMore meeting={meeting.id} />}
    </section>
  );
}
