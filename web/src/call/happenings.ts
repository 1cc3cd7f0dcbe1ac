// Says what others do: who came, who left, who shares, who raised a hand, what hosts did to oneself. Heard by screen readers, shown where it matters.
import { type Participant, RoomEvent, Track, type TrackPublication } from "livekit-client";
import { useEffect } from "react";
import { t } from "../i18n";
import { announce, toast } from "../ui/announce";
import { handAt } from "./hands";
import { leads, roleOf } from "./rights";
import type { CallSession } from "./session";

/** A full room fills in a burst right after joining; that is no news. */
const QUIET_AFTER_JOIN_MS = 1_500;

export function nameOf(participant: Participant): string {
  return participant.name || t("call.name.unknown");
}

export function useHappenings(session: CallSession): void {
  const { room } = session;
  useEffect(() => {
    let quietUntil = Date.now() + QUIET_AFTER_JOIN_MS;
    let wasLost = session.status === "reconnecting";
    const news = () => session.status === "live" && Date.now() > quietUntil;
    const joined = (participant: Participant) => {
      if (news()) toast(t("call.say.joined", { name: nameOf(participant) }));
    };
    const left = (participant: Participant) => {
      if (news()) toast(t("call.say.left", { name: nameOf(participant) }));
    };
    const published = (publication: TrackPublication, participant: Participant) => {
      if (publication.source === Track.Source.ScreenShare && news())
        announce(t("call.say.sharing", { name: nameOf(participant) }));
    };
    const unpublished = (publication: TrackPublication, participant: Participant) => {
      if (publication.source === Track.Source.ScreenShare && news())
        announce(t("call.say.shareEnded", { name: nameOf(participant) }));
    };
    const { localParticipant } = room;
    let role = roleOf(localParticipant.attributes);
    const changed = (change: Record<string, string>, participant: Participant) => {
      if (!participant.isLocal) {
        const up = handAt(change) > 0 && news();
        if (up) toast(t("call.say.raised", { name: nameOf(participant) }));
        return;
      }
      const now = roleOf(localParticipant.attributes);
      if (now !== role && news()) {
        if (leads(now) && !leads(role))
          toast(t(now === "host" ? "call.say.role.host" : "call.say.role.cohost"));
        if (leads(role) && !leads(now)) toast(t("call.say.role.none"));
      }
      role = now;
    };
    session.onMutedByHost = () => toast(t("call.say.mutedByHost"));
    const offStatus = session.subscribe(() => {
      if (session.status === "reconnecting") wasLost = true;
      else if (session.status === "live" && wasLost) {
        wasLost = false;
        quietUntil = Date.now() + QUIET_AFTER_JOIN_MS;
        toast(t("call.say.reconnected"));
      }
    });
    room
      .on(RoomEvent.ParticipantConnected, joined)
      .on(RoomEvent.ParticipantDisconnected, left)
      .on(RoomEvent.ParticipantAttributesChanged, changed)
      .on(RoomEvent.TrackPublished, published)
      .on(RoomEvent.TrackUnpublished, unpublished);
    return () => {
      offStatus();
      session.onMutedByHost = undefined;
      room
        .off(RoomEvent.ParticipantConnected, joined)
        .off(RoomEvent.ParticipantDisconnected, left)
        .off(RoomEvent.ParticipantAttributesChanged, changed)
        .off(RoomEvent.TrackPublished, published)
        .off(RoomEvent.TrackUnpublished, unpublished);
    };
  }, [session, room]);
}
