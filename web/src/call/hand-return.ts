// A raised hand comes back with its person: the call forgets it when a lost connection ends in a new join. In: the running
// session. Out: the hand is raised again, once the call knows the person. A connection that is merely resumed changes
// nothing: whether the hand is up still is the call's to say.
import { retryDelayMs } from "../state/retry";
import { handAt } from "./hands";
import type { CallSession } from "./session";
import type { CallVerbs } from "./verbs";

/** The control plane hears of a join a moment after the media node. */
const TRIES = 5;

type Session = Pick<CallSession, "status" | "subscribe"> & {
  room: {
    localParticipant: {
      sid: string;
      identity: string;
      attributes: Readonly<Record<string, string>>;
    };
  };
};

/** Watches over the hand of `session`'s person; answers how to stop. */
export function keepHand(session: Session, verbs: Pick<CallVerbs, "setHand">): () => void {
  /** The stay that was lost, and whether its hand was up. */
  let lost: { sid: string; up: boolean } | undefined;
  let owed = false;
  let over = false;
  const me = () => session.room.localParticipant;
  const isDown = () => handAt(me().attributes) === 0;

  const raise = async () => {
    const { sid } = me();
    const isDue = () => !over && session.status === "live" && me().sid === sid && isDown();
    for (let attempt = 0; attempt < TRIES && isDue(); attempt += 1) {
      try {
        await verbs.setHand(me().identity, true);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs(attempt, Math.random())));
      }
    }
    // Lost again meanwhile: still owed.
    if (session.status === "live" && me().sid === sid) owed = false;
  };

  const off = session.subscribe(() => {
    if (session.status === "reconnecting") {
      lost ??= { sid: me().sid, up: owed || !isDown() };
    } else if (session.status === "live" && lost) {
      owed = lost.up && lost.sid !== me().sid && isDown();
      lost = undefined;
      if (owed) void raise();
    }
  });
  return () => {
    over = true;
    off();
  };
}
