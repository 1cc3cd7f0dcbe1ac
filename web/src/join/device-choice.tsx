// Menus of microphone, camera and speaker, with a test sound.
import { Volume2 } from "lucide-react";
import { useId, useState } from "react";
import { t } from "../i18n";
import { loadPreferences, savePreferences } from "../state/preferences";
import { Button } from "../ui/button";
import type { Capture } from "./capture";
import { canChooseSpeaker, playTestSound } from "./speaker-test";

interface DeviceSelectProps {
  label: string;
  devices: MediaDeviceInfo[];
  value: string;
  onChange: (deviceId: string) => void;
}

function DeviceSelect({ label, devices, value, onChange }: DeviceSelectProps) {
  const id = useId();
  // Before permission, browsers list devices without id and name: nothing to choose from yet.
  const known = devices.filter((device) => device.deviceId !== "");
  const chosen = known.some((device) => device.deviceId === value) ? value : "";
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={chosen}
        disabled={known.length === 0}
        onChange={(event) => onChange(event.target.value)}
      >
        <option value="">
          {devices.length === 0 ? t("join.device.none") : t("join.device.default")}
        </option>
        {known
          .filter((device) => device.deviceId !== "default")
          .map((device, index) => (
            <option key={device.deviceId} value={device.deviceId}>
              {device.label || t("join.device.unnamed", { kind: label, number: index + 1 })}
            </option>
          ))}
      </select>
    </div>
  );
}

function SpeakerChoice({ devices }: { devices: MediaDeviceInfo[] }) {
  const [speaker, setSpeaker] = useState(() => loadPreferences().speakerDevice);
  const [playing, setPlaying] = useState(false);
  const test = async () => {
    setPlaying(true);
    await playTestSound(speaker).catch(() => undefined);
    setPlaying(false);
  };
  return (
    <div className="device-speaker">
      {canChooseSpeaker() && (
        <DeviceSelect
          label={t("join.device.speaker")}
          devices={devices}
          value={speaker}
          onChange={(id) => {
            setSpeaker(id);
            savePreferences({ speakerDevice: id });
          }}
        />
      )}
      <Button onClick={test} disabled={playing}>
        <Volume2 size={18} aria-hidden="true" />
        {playing ? t("join.speaker.playing") : t("join.speaker.test")}
      </Button>
    </div>
  );
}

export function DeviceChoice({ capture }: { capture: Capture }) {
  const of = (kind: MediaDeviceKind) => capture.devices.filter((device) => device.kind === kind);
  return (
    <div className="devices">
      <DeviceSelect
        label={t("join.device.mic")}
        devices={of("audioinput")}
        value={capture.wish.audioDevice}
        onChange={(id) => capture.choose("audio", id)}
      />
      <DeviceSelect
        label={t("join.device.cam")}
        devices={of("videoinput")}
        value={capture.wish.videoDevice}
        onChange={(id) => capture.choose("video", id)}
      />
      <SpeakerChoice devices={of("audiooutput")} />
    </div>
  );
}
