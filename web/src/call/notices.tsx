// One line above the stage, when there is something to know: connection lost, own connection weak, sound held back.
import { useAudioPlayback, useConnectionQualityIndicator } from "@livekit/components-react";
import { ConnectionQuality } from "livekit-client";
import { type ReactNode, useEffect, useState } from "react";
import { type MessageKey, t } from "../i18n";
import { Button } from "../ui/button";
import type { CallSession, Status } from "./session";

/** After this long the note says what is being tried. */
const LONG_MS = 15_000;

function useIsLong(status: Status, since: number): boolean {
  const [long, setLong] = useState(false);
  useEffect(() => {
    setLong(false);
    if (status !== "reconnecting") return;
    const timer = setTimeout(() => setLong(true), Math.max(0, since + LONG_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [status, since]);
  return long;
}

function useOffline(): boolean {
  const [offline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const update = () => setOffline(!navigator.onLine);
    window.addEventListener("online", update);
    window.addEventListener("offline", update);
    return () => {
      window.removeEventListener("online", update);
      window.removeEventListener("offline", update);
    };
  }, []);
  return offline;
}

interface CallNoticesProps {
  session: CallSession;
  status: Status;
  talking: boolean;
  children?: ReactNode;
}

function useLine({ session, status, talking }: CallNoticesProps): MessageKey | undefined {
  const { localParticipant } = session.room;
  const { quality } = useConnectionQualityIndicator({ participant: localParticipant });
  const long = useIsLong(status, session.lostAt);
  const offline = useOffline();
  if (status === "reconnecting") {
    if (offline) return "call.reconnecting.offline";
    return long ? "call.reconnecting.long" : "call.reconnecting";
  }
  if (talking) return "call.talking";
  if (quality === ConnectionQuality.Lost) return "call.lost";
  if (quality === ConnectionQuality.Poor) {
    return localParticipant.isCameraEnabled ? "call.weak" : "call.weak.noVideo";
  }
  return undefined;
}

export function CallNotices(props: CallNoticesProps) {
  const line = useLine(props);
  const { canPlayAudio, startAudio } = useAudioPlayback(props.session.room);
  return (
    <div className="call-notices">
      <div role="status">{line && <p className="call-notice">{t(line)}</p>}</div>
      {!canPlayAudio && (
        <div className="call-notice" role="alert">
          {t("call.audio.blocked")}
          <Button onClick={() => startAudio()}>{t("call.audio.start")}</Button>
        </div>
      )}
      {props.children}
    </div>
  );
}
