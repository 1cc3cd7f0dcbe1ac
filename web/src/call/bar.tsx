// The bar below the stage: microphone, camera, screen, hand, people, chat, view, more, leave.
import { useParticipants } from "@livekit/components-react";
import {
  Hand,
  LayoutGrid,
  MessageSquare,
  Mic,
  MicOff,
  MonitorUp,
  MonitorX,
  Presentation,
  Users,
  Video,
  VideoOff,
} from "lucide-react";
import { useEffect, useState } from "react";
import { plural, t } from "../i18n";
import { IconButton } from "../ui/button";
import type { CallUi } from "./call";
import type { CallControls } from "./controls";
import { DeviceMenu } from "./device-menu";
import { EndDialog } from "./host-dialogs";
import { KEYS } from "./keys";
import { Leave } from "./leave";
import { More } from "./more";
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
  const { microphone, camera, sharing, hand } = controls;
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
          className={sharing ? "bar-button wide-only active" : "bar-button wide-only"}
          onClick={controls.share}
        >
          {sharing ? <MonitorX aria-hidden="true" /> : <MonitorUp aria-hidden="true" />}
        </IconButton>
      )}
      <IconButton
        label={t(hand ? "call.hand.lower" : "call.hand.raise")}
        hotkey={KEYS.hand}
        className={hand ? "bar-button wide-only active" : "bar-button wide-only"}
        onClick={controls.toggleHand}
      >
        <Hand aria-hidden="true" />
      </IconButton>
    </>
  );
}

interface BarProps {
  session: CallSession;
  roomName: string;
  controls: CallControls;
  ui: CallUi;
  /** Messages that wait to be read. */
  unread: number;
}

const MOST_COUNTED = 99;

/** A count that fits its badge. */
function countShort(count: number): string {
  return count > MOST_COUNTED ? t("chat.many", { count: MOST_COUNTED }) : String(count);
}

export function Bar({ session, roomName, controls, ui, unread }: BarProps) {
  const people = useParticipants({ room: session.room });
  const [ending, setEnding] = useState(false);
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
          className={ui.panel === "people" ? "bar-button active" : "bar-button"}
          aria-expanded={ui.panel === "people"}
          onClick={() => ui.toggle("people")}
        >
          <Users aria-hidden="true" />
          <i className="bar-count" aria-hidden="true" data-count={people.length} />
        </IconButton>
        <IconButton
          label={unread > 0 ? plural("chat.unread", unread) : t("chat.title")}
          hotkey={KEYS.chat}
          className={ui.panel === "chat" ? "bar-button active" : "bar-button"}
          aria-expanded={ui.panel === "chat"}
          onClick={() => ui.toggle("chat")}
        >
          <MessageSquare aria-hidden="true" />
          {unread > 0 && (
            <i className="bar-count news" aria-hidden="true" data-count={countShort(unread)} />
          )}
        </IconButton>
        <IconButton
          label={t(toSpeaker ? "call.layout.toSpeaker" : "call.layout.toGrid")}
          hotkey={KEYS.layout}
          className="bar-button wide-only"
          onClick={() => ui.setView(toSpeaker ? "speaker" : "grid")}
        >
          {toSpeaker ? <Presentation aria-hidden="true" /> : <LayoutGrid aria-hidden="true" />}
        </IconButton>
        <More ui={ui} controls={controls} onEnd={() => setEnding(true)} />
        <Leave onLeave={controls.leave} onEnd={() => setEnding(true)} />
      </div>
      <div className="bar-side end" />
      <EndDialog open={ending} onClose={() => setEnding(false)} />
    </section>
  );
}
