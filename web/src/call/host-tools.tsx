// What hosts and cohosts do to the whole call, at the top of the people list: mute everybody, lock, lower all hands.
import { Hand, Lock, LockOpen, MicOff } from "lucide-react";
import { plural, t } from "../i18n";
import { toast } from "../ui/announce";
import { Button } from "../ui/button";
import { attempt, sayRefusal } from "./attempt";
import { useLock } from "./lock";
import { useCall } from "./scope";
import type { CallVerbs } from "./verbs";

export function muteEverybody(verbs: CallVerbs): void {
  verbs.muteAll().then(
    ({ muted }) => toast(plural("call.host.mutedAll", muted)),
    (error) => toast(sayRefusal(error)),
  );
}

export function HostTools({ hands }: { hands: number }) {
  const { verbs } = useCall();
  const { locked, toggle } = useLock(true);
  return (
    <fieldset className="host-tools">
      <legend className="sr-only">{t("call.host.tools")}</legend>
      <Button onClick={() => muteEverybody(verbs)}>
        <MicOff size={18} aria-hidden="true" />
        {t("call.host.muteAll")}
      </Button>
      <Button onClick={toggle}>
        {locked ? <LockOpen size={18} aria-hidden="true" /> : <Lock size={18} aria-hidden="true" />}
        {t(locked ? "call.lock.unlock" : "call.lock.lock")}
      </Button>
      {hands > 0 && (
        <Button onClick={() => void attempt(verbs.lowerHands())}>
          <Hand size={18} aria-hidden="true" />
          {t("call.host.lowerAll")}
        </Button>
      )}
      {locked && <p className="quiet small">{t("call.lock.hint")}</p>}
    </fieldset>
  );
}
