// Asks to confirm one's address, as invitations to it are seen only then. Nothing where it is confirmed or no mail is sent.
import { Link } from "react-router";
import { useMe, useServerConfig } from "../api/queries";
import { t } from "../i18n";
import { Notice } from "../ui/notice";

export function AddressNotice() {
  const me = useMe();
  const config = useServerConfig();
  if (!me.data || me.data.email_verified_at || !config.data?.mail_configured) return null;
  return (
    <Notice tone="warn" title={t("verify.notice.title")}>
      <p>{t("verify.notice.text", { email: me.data.email })}</p>
      <div>
        <Link className="button" to="/verify">
          {t("verify.notice.go")}
        </Link>
      </div>
    </Notice>
  );
}
