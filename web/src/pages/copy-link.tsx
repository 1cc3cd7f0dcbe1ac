// A button that puts a link on the clipboard and says so.
import { Check, Link2 } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "../i18n";
import { roomLink } from "../state/room-link";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";

const CONFIRM_MS = 2_500;

interface CopyProps {
  /** What the link is to, for people who hear the button instead of seeing where it stands. */
  name?: string;
  look?: "primary" | "plain";
}

export function CopyAddress({ link, name, look }: CopyProps & { link: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), CONFIRM_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link);
      setCopied(true);
      toast(t("rooms.copied"));
    } catch {
      // No clipboard on insecure pages or when it is refused: show the link instead.
      toast(t("rooms.copy.failed", { link }));
    }
  };
  return (
    <Button
      {...(look ? { look } : {})}
      onClick={copy}
      aria-label={name ? t("rooms.copy.named", { name }) : undefined}
    >
      {copied ? <Check size={18} aria-hidden="true" /> : <Link2 size={18} aria-hidden="true" />}
      {t("rooms.copy")}
    </Button>
  );
}

/** Copies the link to a room. */
export function CopyLink({ code, ...rest }: CopyProps & { code: string }) {
  return <CopyAddress {...rest} link={roomLink(code)} />;
}
