// The bar below the stage: microphone, camera, screen, people, view, more, leave.
import { useParticipants } from "@livekit/components-react";
import {
  Ellipsis,
  Keyboard,
  LayoutGrid,
  Maximize,
  Mic,
  MicOff,
  Minimize,
  MonitorUp,
  MonitorX,
  PhoneOff,
  Presentation,
  Users,
  Video,
  VideoOff,
} from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { t } from "../i18n";
import { canChooseSpeaker } from "../join/speaker-test";
import { IconButton } from "../ui/button";
import type { CallUi } from "./call";
import type { CallControls } from "./controls";
import { DeviceGroup, DeviceMenu } from "./device-menu";
import { canFullScreen, toggleFullScreen, useIsFullScreen } from "./full-screen";
import { KEYS } from "./keys";
import type { CallSession } from "./session";
import { clock } from "./summary";

function Clock({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="bar-clock" role="timer" aria-live="off">
      {clock(Math.max(0, now - since))}
    </span>
  );
}

function Own({ session, controls }: { session: CallSession; controls: CallControls }) {
  const { microphone, camera, sharing } = controls;
  return (
    <>
      <div className="bar-pair">
        <IconButton
          label={t(microphone ? "call.mic.mute" : "call.mic.unmute")}
          hotkey={KEYS.mute}
          className={microphone ? "bar-button" : "bar-button off"}
          onClick={controls.toggleMicrophone}
        >
          {microphone ? <Mic aria-hidden="true" /> : <MicOff aria-hidden="true" />}
        </IconButton>
        <DeviceMenu room={session.room} media="audio" />
      </div>
      <div className="bar-pair">
        <IconButton
          label={t(camera ? "call.cam.stop" : "call.cam.start")}
          hotkey={KEYS.camera}
          className={camera ? "bar-button" : "bar-button off"}
          onClick={controls.toggleCamera}
        >
          {camera ? <Video aria-hidden="true" /> : <VideoOff aria-hidden="true" />}
        </IconButton>
        <DeviceMenu room={session.room} media="video" />
      </div>
      {controls.canShare && (
        <IconButton
          label={t(sharing ? "call.share.stop" : "call.share.start")}
          hotkey={KEYS.share}
          className={sharing ? "bar-button active" : "bar-button"}
          onClick={controls.share}
        >
          {sharing ? <MonitorX aria-hidden="true" /> : <MonitorUp aria-hidden="true" />}
        </IconButton>
      )}
    </>
  );
}

function Entry({ icon, label, run }: { icon: ReactNode; label: string; run: () => void }) {
  return (
    <DropdownMenu.Item className="menu-item" onSelect={run}>
      {icon}
      {label}
    </DropdownMenu.Item>
  );
}

function More({ session, ui }: { session: CallSession; ui: CallUi }) {
  const full = useIsFullScreen();
  const other = ui.view === "grid" ? "speaker" : "grid";
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>
        <IconButton label={t("call.more")} className="bar-button">
          <Ellipsis aria-hidden="true" />
        </IconButton>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu in-call-menu always-dark"
          sideOffset={8}
          collisionPadding={8}
        >
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
            run={() => ui.setKeys(true)}
          />
          <div className="phone-only">
            <DeviceGroup room={session.room} kind="audioinput" />
            {canChooseSpeaker() && <DeviceGroup room={session.room} kind="audiooutput" />}
            <DeviceGroup room={session.room} kind="videoinput" />
          </div>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

interface BarProps {
  session: CallSession;
  roomName: string;
  controls: CallControls;
  ui: CallUi;
}

export function Bar({ session, roomName, controls, ui }: BarProps) {
  const people = useParticipants({ room: session.room });
  const toSpeaker = ui.view === "grid";
  return (
    <section className="bar" aria-label={t("call.bar")}>
      <div className="bar-side">
        <span className="bar-room">{roomName}</span>
        <Clock since={session.startedAt} />
      </div>
      <div className="bar-middle">
        <Own session={session} controls={controls} />
        <IconButton
          label={t("call.people.count", { count: people.length })}
          hotkey={KEYS.people}
          className={ui.people ? "bar-button active" : "bar-button"}
          aria-expanded={ui.people}
          onClick={() => ui.setPeople(!ui.people)}
        >
          <Users aria-hidden="true" />
          <i className="bar-count" aria-hidden="true" data-count={people.length} />
        </IconButton>
        <IconButton
          label={t(toSpeaker ? "call.layout.toSpeaker" : "call.layout.toGrid")}
          hotkey={KEYS.layout}
          className="bar-button wide-only"
          onClick={() => ui.setView(toSpeaker ? "speaker" : "grid")}
        >
          {toSpeaker ? <Presentation aria-hidden="true" /> : <LayoutGrid aria-hidden="true" />}
        </IconButton>
        <More session={session} ui={ui} />
        <IconButton
          label={t("call.leave")}
          look="danger"
          className="bar-leave"
          onClick={controls.leave}
        >
          <PhoneOff aria-hidden="true" />
          <span className="bar-leave-word" aria-hidden="true">
            {t("call.leave.short")}
          </span>
        </IconButton>
      </div>
      <div className="bar-side end" />
    </section>
  );
}
