// The menu behind "More" in the bar: what is needed less often, and on a phone what the bar has no room for.
import {
  DoorClosed,
  Ellipsis,
  Hand,
  Keyboard,
  LayoutGrid,
  Lock,
  LockOpen,
  Maximize,
  MicOff,
  Minimize,
  MonitorUp,
  MonitorX,
  Presentation,
} from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { t } from "../i18n";
import { canChooseSpeaker } from "../join/speaker-test";
import { IconButton } from "../ui/button";
import type { CallUi } from "./call";
import type { CallControls } from "./controls";
import { DeviceGroup } from "./device-menu";
import { canFullScreen, toggleFullScreen, useIsFullScreen } from "./full-screen";
import { muteEverybody } from "./host-tools";
import { useLock } from "./lock";
import { Entry, MenuPanel, useAfterMenu } from "./menu-entry";
import { leads } from "./rights";
import { useCall, useOwnStanding } from "./scope";

function HostEntries({ onEnd }: { onEnd: () => void }) {
  const { code, verbs } = useCall();
  const { role } = useOwnStanding(code);
  const { locked, toggle } = useLock(leads(role));
  if (!leads(role)) return null;
  return (
    <DropdownMenu.Group>
      <DropdownMenu.Separator className="menu-line" />
      <Entry
        icon={<MicOff size={18} aria-hidden="true" />}
        label={t("call.host.muteAll")}
        run={() => muteEverybody(verbs)}
      />
      <Entry
        icon={
          locked ? <LockOpen size={18} aria-hidden="true" /> : <Lock size={18} aria-hidden="true" />
        }
        label={t(locked ? "call.lock.unlock" : "call.lock.lock")}
        run={toggle}
      />
      {role === "host" && (
        <Entry
          danger
          className="phone-only"
          icon={<DoorClosed size={18} aria-hidden="true" />}
          label={t("call.end")}
          run={onEnd}
        />
      )}
    </DropdownMenu.Group>
  );
}

/** What the bar of a phone has no room for. */
function Narrow({ controls }: { controls: CallControls }) {
  const { hand, sharing } = controls;
  return (
    <>
      <Entry
        className="phone-only"
        icon={<Hand size={18} aria-hidden="true" />}
        label={t(hand ? "call.hand.lower" : "call.hand.raise")}
        run={controls.toggleHand}
      />
      {controls.canShare && (
        <Entry
          className="phone-only"
          icon={
            sharing ? (
              <MonitorX size={18} aria-hidden="true" />
            ) : (
              <MonitorUp size={18} aria-hidden="true" />
            )
          }
          label={t(sharing ? "call.share.stop" : "call.share.start")}
          run={controls.share}
        />
      )}
    </>
  );
}

interface MoreProps {
  ui: CallUi;
  controls: CallControls;
  onEnd: () => void;
}

export function More({ ui, controls, onEnd }: MoreProps) {
  const { session } = useCall();
  const { later, onCloseAutoFocus } = useAfterMenu();
  const full = useIsFullScreen();
  const other = ui.view === "grid" ? "speaker" : "grid";
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton label={t("call.more")} className="bar-button">
          <Ellipsis aria-hidden="true" />
        </IconButton>
      </DropdownMenu.Trigger>
      <MenuPanel onCloseAutoFocus={onCloseAutoFocus}>
        <Narrow controls={controls} />
        <Entry
          icon={
            other === "grid" ? (
              <LayoutGrid size={18} aria-hidden="true" />
            ) : (
              <Presentation size={18} aria-hidden="true" />
            )
          }
          label={t(other === "grid" ? "call.layout.toGrid" : "call.layout.toSpeaker")}
          run={() => ui.setView(other)}
        />
        {canFullScreen() && (
          <Entry
            icon={
              full ? (
                <Minimize size={18} aria-hidden="true" />
              ) : (
                <Maximize size={18} aria-hidden="true" />
              )
            }
            label={t(full ? "call.fullscreen.exit" : "call.fullscreen.enter")}
            run={() => void toggleFullScreen()}
          />
        )}
        <Entry
          icon={<Keyboard size={18} aria-hidden="true" />}
          label={t("call.keys")}
          run={later(() => ui.setKeys(true))}
        />
        <HostEntries onEnd={later(onEnd)} />
        <div className="phone-only">
          <DeviceGroup room={session.room} kind="audioinput" />
          {canChooseSpeaker() && <DeviceGroup room={session.room} kind="audiooutput" />}
          <DeviceGroup room={session.room} kind="videoinput" />
        </div>
      </MenuPanel>
    </DropdownMenu.Root>
  );
}
