// What one may do to somebody in the people list, behind one button. What one may not do is not there.
import type { Participant } from "livekit-client";
import { EllipsisVertical, Hand, MicOff, UserMinus, UserRoundCog } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { t } from "../i18n";
import { announce, toast } from "../ui/announce";
import { IconButton } from "../ui/button";
import { attempt } from "./attempt";
import { nameOf } from "./happenings";
import type { Removal } from "./host-dialogs";
import { Entry, MenuPanel, useAfterMenu } from "./menu-entry";
import { anyRight, type Rights, roleOf } from "./rights";
import { useCall } from "./scope";

interface PersonMenuProps {
  participant: Participant;
  rights: Rights;
  micOff: boolean;
  hand: boolean;
  onRemove: (person: Removal) => void;
}

export function PersonMenu({ participant, rights, micOff, hand, onRemove }: PersonMenuProps) {
  const { verbs } = useCall();
  const { later, onCloseAutoFocus } = useAfterMenu();
  const { identity } = participant;
  const name = nameOf(participant);
  const isGuest = roleOf(participant.attributes) === "guest";
  const offers = { ...rights, mute: rights.mute && !micOff, lowerHand: rights.lowerHand && hand };
  // The symbols of all rows stand below each other.
  if (!anyRight(offers)) return <span className="person-menu-place" />;
  const mute = async () => {
    if (await attempt(verbs.mute(identity))) announce(t("call.host.muted", { name }));
  };
  const lower = async () => {
    if (await attempt(verbs.setHand(identity, false))) announce(t("call.host.lowered", { name }));
  };
  const setCohost = async (cohost: boolean) => {
    const done = await attempt(verbs.setCohost(identity, cohost));
    if (done) toast(t(cohost ? "call.host.isCohost" : "call.host.noCohost", { name }));
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton look="plain" label={t("call.host.actions", { name })}>
          <EllipsisVertical size={18} aria-hidden="true" />
        </IconButton>
      </DropdownMenu.Trigger>
      <MenuPanel align="end" onCloseAutoFocus={onCloseAutoFocus} sideOffset={4}>
        {offers.mute && (
          <Entry
            icon={<MicOff size={18} aria-hidden="true" />}
            label={t("call.host.mute")}
            run={() => void mute()}
          />
        )}
        {offers.lowerHand && (
          <Entry
            icon={<Hand size={18} aria-hidden="true" />}
            label={t("call.host.lower")}
            run={() => void lower()}
          />
        )}
        {(offers.makeCohost || offers.unmakeCohost) && (
          <Entry
            icon={<UserRoundCog size={18} aria-hidden="true" />}
            label={t(offers.makeCohost ? "call.host.cohost" : "call.host.uncohost")}
            run={() => void setCohost(offers.makeCohost)}
          />
        )}
        {offers.remove && (
          <Entry
            danger
            icon={<UserMinus size={18} aria-hidden="true" />}
            label={t("call.host.remove")}
            run={later(() => onRemove({ identity, name, ban: offers.ban, guest: isGuest }))}
          />
        )}
      </MenuPanel>
    </DropdownMenu.Root>
  );
}
