// What the person can do in the call, as plain functions that say what came of it. In: the session. Out: state of
// microphone, camera and screen, and toggles that never throw: a refusal becomes a sentence.
import { useLocalParticipant } from "@livekit/components-react";
import { ScreenSharePresets } from "livekit-client";
import { useCallback, useEffect, useState } from "react";
import { t } from "../i18n";
import { causeOf, troubleWords } from "../join/media-trouble";
import { announce, toast } from "../ui/announce";
import { attempt } from "./attempt";
import { useStanding } from "./scope";
import type { CallSession } from "./session";
import type { CallVerbs } from "./verbs";

export interface CallControls {
  microphone: boolean;
  camera: boolean;
  sharing: boolean;
  canShare: boolean;
  /** Whether one's own hand is raised. */
  hand: boolean;
  toggleMicrophone: () => void;
  toggleCamera: () => void;
  /** Starts sharing, or stops it. */
  share: () => void;
  toggleHand: () => void;
  /** Opens the microphone for as long as a key is held, without remembering it. */
  talk: (on: boolean) => void;
  leave: () => void;
}

export function canShareScreen(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

function sayDeviceTrouble(error: unknown, concern: "mic" | "cam"): void {
  const words = troubleWords({ cause: causeOf(error), concern });
  toast(`${t(words.title)}. ${t(words.text)}`);
}

/** One's own hand; shows what was wished until the call says what is. */
function useHand(session: CallSession, verbs: CallVerbs) {
  const { localParticipant } = session.room;
  const raised = useStanding(localParticipant).handAt > 0;
  const [wish, setWish] = useState<boolean>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever the call says now, the wish is answered.
  useEffect(() => setWish(undefined), [raised]);
  const hand = wish ?? raised;
  const toggleHand = async () => {
    if (wish !== undefined) return;
    setWish(!hand);
    const done = await attempt(verbs.setHand(localParticipant.identity, !hand));
    if (done) announce(t(hand ? "call.say.handDown" : "call.say.handUp"));
    setWish(undefined);
  };
  return { hand, toggleHand };
}

export function useCallControls(session: CallSession, verbs: CallVerbs): CallControls {
  const { hand, toggleHand } = useHand(session, verbs);
  const local = useLocalParticipant({ room: session.room });
  const { isMicrophoneEnabled: microphone, isCameraEnabled: camera } = local;
  const sharing = local.isScreenShareEnabled;
  const [busy, setBusy] = useState(false);

  const toggleMicrophone = useCallback(async () => {
    try {
      await session.setMicrophone(!microphone);
      announce(t(microphone ? "call.say.muted" : "call.say.unmuted"));
    } catch (error) {
      sayDeviceTrouble(error, "mic");
    }
  }, [session, microphone]);

  const toggleCamera = useCallback(async () => {
    try {
      await session.setCamera(!camera);
      announce(t(camera ? "call.say.camOff" : "call.say.camOn"));
    } catch (error) {
      sayDeviceTrouble(error, "cam");
    }
  }, [session, camera]);

  const share = useCallback(async () => {
    if (busy || !canShareScreen()) return;
    setBusy(true);
    try {
      await session.room.localParticipant.setScreenShareEnabled(!sharing, {
        audio: true,
        // The default of the SDK, said aloud: text stays readable, 15 frames a second are enough for slides.
        resolution: ScreenSharePresets.h1080fps15.resolution,
        contentHint: "detail",
        selfBrowserSurface: "include",
        surfaceSwitching: "include",
        systemAudio: "include",
      });
    } catch (error) {
      const refused = causeOf(error) === "refused";
      toast(t(refused ? "call.share.refused" : "call.share.failed"));
    } finally {
      setBusy(false);
    }
  }, [session, sharing, busy]);

  const talk = useCallback(
    (on: boolean) => {
      session.setMicrophone(on, false).catch((error) => sayDeviceTrouble(error, "mic"));
    },
    [session],
  );

  return {
    microphone,
    camera,
    sharing,
    canShare: canShareScreen(),
    toggleMicrophone,
    toggleCamera,
    hand,
    toggleHand,
    share,
    talk,
    leave: () => session.leave(),
  };
}
