// Whom the stage shows large: what is pinned, else a shared screen, else (in the speaker view) who speaks.
import type { TrackReferenceOrPlaceholder } from "@livekit/components-react";
import { type Participant, type Room, RoomEvent, Track } from "livekit-client";
import { useEffect, useState } from "react";
import { tileKey } from "./tile";

type Refs = TrackReferenceOrPlaceholder[];

/** The last of the others who spoke; stays while nobody speaks, so that the picture does not jump. */
function useLastSpeaker(room: Room): string | undefined {
  const [identity, setIdentity] = useState<string>();
  useEffect(() => {
    const speakersChanged = (speakers: Participant[]) => {
      const other = speakers.find((speaker) => !speaker.isLocal);
      if (other) setIdentity(other.identity);
    };
    room.on(RoomEvent.ActiveSpeakersChanged, speakersChanged);
    return () => {
      room.off(RoomEvent.ActiveSpeakersChanged, speakersChanged);
    };
  }, [room]);
  return identity;
}

export function useFocus(
  room: Room,
  refs: Refs,
  ui: { view: "grid" | "speaker"; pinned: string | undefined },
): TrackReferenceOrPlaceholder | undefined {
  const speaker = useLastSpeaker(room);
  const pinned = refs.find((ref) => tileKey(ref) === ui.pinned);
  if (pinned) return pinned;
  const screen = refs.find((ref) => ref.source === Track.Source.ScreenShare);
  if (screen) return screen;
  if (ui.view !== "speaker") return undefined;
  const cameras = refs.filter((ref) => ref.source === Track.Source.Camera);
  return (
    cameras.find((ref) => ref.participant.identity === speaker) ??
    cameras.find((ref) => !ref.participant.isLocal) ??
    cameras[0]
  );
}
