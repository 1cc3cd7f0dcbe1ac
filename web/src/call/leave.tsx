// The way out: leaving, and for hosts a menu beside it that ends the call for everybody.
import { ChevronUp, DoorClosed, PhoneOff } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { t } from "../i18n";
import { IconButton } from "../ui/button";
import { Entry, MenuPanel, useAfterMenu } from "./menu-entry";
import { useCall, useOwnStanding } from "./scope";

export function Leave({ onLeave, onEnd }: { onLeave: () => void; onEnd: () => void }) {
  const { code } = useCall();
  const { later, onCloseAutoFocus } = useAfterMenu();
  const isHost = useOwnStanding(code).role === "host";
  return (
    <div className={isHost ? "bar-pair leave-pair" : "bar-pair"}>
      <IconButton label={t("call.leave")} look="danger" className="bar-leave" onClick={onLeave}>
        <PhoneOff aria-hidden="true" />
        <span className="bar-leave-word" aria-hidden="true">
          {t("call.leave.short")}
        </span>
      </IconButton>
      {isHost && (
        <DropdownMenu.Root modal={false}>
          <DropdownMenu.Trigger asChild>
            <IconButton label={t("call.leave.menu")} look="danger" className="bar-arrow">
              <ChevronUp size={18} aria-hidden="true" />
            </IconButton>
          </DropdownMenu.Trigger>
          <MenuPanel align="end" onCloseAutoFocus={onCloseAutoFocus}>
            <Entry
              icon={<PhoneOff size={18} aria-hidden="true" />}
              label={t("call.leave")}
              run={onLeave}
            />
            <Entry
              danger
              icon={<DoorClosed size={18} aria-hidden="true" />}
              label={t("call.end")}
              run={later(onEnd)}
            />
          </MenuPanel>
        </DropdownMenu.Root>
      )}
    </div>
  );
}
