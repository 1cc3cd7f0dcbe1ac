// Which conversation is the room's. Members read it in their ticket; others, who may read and write there just as well,
// hear it from a member over the call's data channel, and believe it only after the API said that it is this room's.
import { type RemoteParticipant, RoomEvent } from "livekit-client";
import { getConversation } from "../api/conversations";
import type { CallSession } from "../call/session";

const ASK = "plenum.chat.ask";
const TELL = "plenum.chat.tell";
const FIRST_ASK_MS = 400;
const ASK_AGAIN_MS = 4_000;
/** An id, and nothing longer, is looked at. */
const ID = /^[0-9a-f-]{36}$/;

async function isOfRoom(session: CallSession, id: string): Promise<boolean> {
  try {
    const { kind, owner_id: owner } = await getConversation(id, session.pass);
    return kind === "room" && owner === session.roomId;
  } catch {
    return false;
  }
}

/** Calls `found` once with the conversation's id; tells others who ask. Answers the way to stop. */
export function findAddress(session: CallSession, found: (id: string) => void): () => void {
  const { room } = session;
  let known = session.conversationId;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (topic: string, text: string, to: string[] = []) => {
    const options = { reliable: true, topic, destinationIdentities: to };
    // While the connection is away nobody hears it; the asking goes on.
    room.localParticipant
      .publishData(new TextEncoder().encode(text), options)
      .catch(() => undefined);
  };
  const ask = () => {
    if (known) return;
    say(ASK, "?");
    timer = setTimeout(ask, ASK_AGAIN_MS);
  };
  const hear = async (
    payload: Uint8Array,
    from: RemoteParticipant | undefined,
    _kind: unknown,
    topic: string | undefined,
  ) => {
    if (topic === ASK && known && from) say(TELL, known, [from.identity]);
    if (topic !== TELL || known) return;
    const id = new TextDecoder().decode(payload.slice(0, 64));
    if (!ID.test(id) || !(await isOfRoom(session, id)) || known) return;
    known = id;
    clearTimeout(timer);
    found(id);
  };
  room.on(RoomEvent.DataReceived, hear);
  if (known) found(known);
  else timer = setTimeout(ask, FIRST_ASK_MS);
  return () => {
    clearTimeout(timer);
    room.off(RoomEvent.DataReceived, hear);
  };
}
