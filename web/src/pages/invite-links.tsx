// Links of invitations to pass on by hand, where the server sends no mail.
import type { Invite } from "../api/meetings";
import { t } from "../i18n";
import { CopyAddress } from "./copy-link";

export function InviteLinks({ invites }: { invites: Invite[] }) {
  const linked = invites.flatMap(({ id, email, display_name, link }) =>
    link ? [{ id, link, who: email ?? display_name ?? "" }] : [],
  );
  if (linked.length === 0) return null;
  return (
    <section className="stack" aria-labelledby="invite-links">
      <h2 id="invite-links">{t("schedule.links")}</h2>
      <p className="quiet">{t("schedule.links.text")}</p>
      <ul className="people-list">
        {linked.map(({ id, link, who }) => (
          <li key={id}>
            <span className="who">{who}</span>
            <CopyAddress link={link} name={who} />
          </li>
        ))}
      </ul>
    </section>
  );
}
