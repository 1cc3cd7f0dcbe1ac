// What a person hears of by mail, and whether their address is confirmed.
import { type NewsKind, useMailChoice, usePreferences } from "../api/preferences";
import { useMe } from "../api/queries";
import { sayProblem } from "../api/words";
import { type MessageKey, t } from "../i18n";
import { Button } from "../ui/button";
import { Notice } from "../ui/notice";
import { Page } from "../ui/page";
import { AddressNotice } from "./address-notice";
import { NoMail } from "./code-parts";
import { SignedIn } from "./signed-in";
import "./meetings.css";

/** What each kind of news is called; a kind without words here is not offered. */
const KINDS: Partial<Record<NewsKind, MessageKey>> = {
  "meeting.reminder": "settings.mail.meeting.reminder",
  "meeting.invited": "settings.mail.meeting.invited",
  "meeting.updated": "settings.mail.meeting.updated",
  "meeting.cancelled": "settings.mail.meeting.cancelled",
  "meeting.invite_answered": "settings.mail.meeting.answered",
  "call.missed": "settings.mail.call.missed",
  "message.direct": "settings.mail.message.direct",
  "message.mention": "settings.mail.message.mention",
  "organization.invited": "settings.mail.organization.invited",
  announcement: "settings.mail.announcement",
};

function MailChoices() {
  const preferences = usePreferences();
  const choose = useMailChoice();
  if (preferences.isPending) return <div className="skeleton meeting-skeleton" />;
  if (preferences.isError) {
    return (
      <Notice tone="bad" alert>
        <p>{sayProblem(preferences.error)}</p>
        <div>
          <Button onClick={() => preferences.refetch()}>{t("action.retry")}</Button>
        </div>
      </Notice>
    );
  }
  return (
    <fieldset className="card settings-list">
      <legend className="sr-only">{t("settings.mail")}</legend>
      {choose.isError && (
        <Notice tone="bad" alert>
          <p>{sayProblem(choose.error)}</p>
        </Notice>
      )}
      {preferences.data.items.map(({ kind, email }) => {
        const words = KINDS[kind];
        return words ? (
          <label key={kind} className="check">
            <input
              type="checkbox"
              checked={email}
              onChange={(event) => choose.mutate({ kind, email: event.target.checked })}
            />
            {t(words)}
          </label>
        ) : null;
      })}
    </fieldset>
  );
}

function Settings() {
  const me = useMe();
  return (
    <div className="stack">
      <h1>{t("settings.title")}</h1>
      {me.data && <p className="quiet">{t("settings.as", { email: me.data.email })}</p>}
      <AddressNotice />
      <h2>{t("settings.mail")}</h2>
      <p className="quiet">{t("settings.mail.text")}</p>
      <NoMail />
      <MailChoices />
    </div>
  );
}

export default function SettingsPage() {
  return (
    <SignedIn>
      <Page title={t("settings.title")} narrow>
        <Settings />
      </Page>
    </SignedIn>
  );
}
