// One participant of a test room, with everything that happened to it.
import { Room, RoomEvent } from '@livekit/rtc-node';
import { joinToken, url } from './env.mjs';
import { meter } from './media.mjs';

export async function join(roomName, identity, { grant = {}, options = {} } = {}) {
  return await joinWith(await joinToken(roomName, identity, grant), options);
}

/** Joins with a token; `options.url` is where, LIVEKIT_URL unless given. */
export async function joinWith(token, { url: where = url, ...options } = {}) {
  const room = new Room();
  const guest = {
    room,
    /** `<identity>/<kind>` → meter of the newest track. */
    tracks: new Map(),
    messages: [],
    events: [],
    leave: () => room.disconnect(),
  };
  room.on(RoomEvent.TrackSubscribed, (track, _publication, participant) => {
    const seen = meter(track);
    guest.tracks.set(`${participant.identity}/${seen.kind}`, seen);
  });
  room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => {
    guest.messages.push({ text: new TextDecoder().decode(payload), from: participant?.identity, kind, topic });
  });
  const record = (event, describe) => room.on(event, (...values) => guest.events.push([event, ...describe(...values)]));
  record(RoomEvent.ParticipantConnected, (participant) => [participant.identity]);
  record(RoomEvent.ParticipantDisconnected, (participant) => [participant.identity]);
  record(RoomEvent.TrackMuted, (publication, participant) => [participant.identity, publication.name]);
  record(RoomEvent.TrackUnmuted, (publication, participant) => [participant.identity, publication.name]);
  record(RoomEvent.TrackUnsubscribed, (_track, publication, participant) => [participant.identity, publication.name]);
  record(RoomEvent.TrackUnpublished, (publication, participant) => [participant.identity, publication.name]);
  record(RoomEvent.ParticipantMetadataChanged, (_old, participant) => [participant.identity, participant.metadata]);
  record(RoomEvent.ParticipantNameChanged, (name, participant) => [participant.identity, name]);
  record(RoomEvent.ParticipantAttributesChanged, (changed, participant) => [participant.identity, JSON.stringify(changed)]);
  record(RoomEvent.RoomMetadataChanged, (metadata) => [metadata]);
  record(RoomEvent.ActiveSpeakersChanged, (speakers) => [speakers.map((speaker) => speaker.identity).join(',')]);
  record(RoomEvent.Disconnected, (reason) => [reason]);
  record(RoomEvent.Reconnected, () => []);
  await room.connect(where, token, { autoSubscribe: true, dynacast: true, ...options });
  return guest;
}

/** Whether an event with these values was seen. */
export function saw(guest, event, ...values) {
  return guest.events.some(([name, ...rest]) => name === event && values.every((value, i) => rest[i] === value));
}
