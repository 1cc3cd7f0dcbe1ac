// The menu behind the small arrow at microphone and camera: which device is in use, and the others.
import { useMediaDeviceSelect } from "@livekit/components-react";
import type { Room } from "livekit-client";
import { Check, ChevronUp } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type MessageKey, t } from "../i18n";
import { canChooseSpeaker } from "../join/speaker-test";
import { savePreferences } from "../state/preferences";
import { toast } from "../ui/announce";
import { IconButton } from "../ui/button";
import { MenuPanel } from "./menu-entry";

const WORDS: Record<MediaDeviceKind, MessageKey> = {
  audioinput: "call.device.mic",
  audiooutput: "call.device.speaker",
  videoinput: "call.device.cam",
};

function remember(kind: MediaDeviceKind, id: string): void {
  const deviceId = id === "default" ? "" : id;
  if (kind === "audioinput") savePreferences({ audioDevice: deviceId });
  else if (kind === "videoinput") savePreferences({ videoDevice: deviceId });
  else savePreferences({ speakerDevice: deviceId });
}

export function DeviceGroup({ room, kind }: { room: Room; kind: MediaDeviceKind }) {
  const { devices, activeDeviceId, setActiveMediaDevice } = useMediaDeviceSelect({ kind, room });
  const choose = (id: string) => {
    remember(kind, id);
    setActiveMediaDevice(id).catch(() => toast(t("call.device.failed")));
  };
  const label = t(WORDS[kind]);
  const named = devices.filter((device) => device.deviceId !== "");
  return (
    <DropdownMenu.RadioGroup value={activeDeviceId} onValueChange={choose} aria-label={label}>
      <DropdownMenu.Label className="menu-label">{label}</DropdownMenu.Label>
      {named.length === 0 && (
        <DropdownMenu.Item className="menu-item quiet" disabled>
          {t("join.device.none")}
        </DropdownMenu.Item>
      )}
      {named.map((device, index) => (
        <DropdownMenu.RadioItem key={device.deviceId} className="menu-item" value={device.deviceId}>
          <span className="menu-mark">
            <DropdownMenu.ItemIndicator>
              <Check size={18} aria-hidden="true" />
            </DropdownMenu.ItemIndicator>
          </span>
          {device.label || t("join.device.unnamed", { kind: label, number: index + 1 })}
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

export function DeviceMenu({ room, media }: { room: Room; media: "audio" | "video" }) {
  const label = t(media === "audio" ? "call.mic.menu" : "call.cam.menu");
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton label={label} className="bar-arrow">
          <ChevronUp size={18} aria-hidden="true" />
        </IconButton>
      </DropdownMenu.Trigger>
      <MenuPanel>
        {media === "audio" ? (
          <>
            <DeviceGroup room={room} kind="audioinput" />
            {canChooseSpeaker() && <DeviceGroup room={room} kind="audiooutput" />}
          </>
        ) : (
          <DeviceGroup room={room} kind="videoinput" />
        )}
      </MenuPanel>
    </DropdownMenu.Root>
  );
}
