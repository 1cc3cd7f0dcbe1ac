// Waiting to be let in. In: a room's code and who is asking. Out: a host's decision, or a thrown Problem. No DOM.
import { Problem } from "../api/problem";
import { askLobby, enterLobby, leaveLobby } from "../api/queries";

/** Seconds the server may hold its answer back; well within the patience of the API client. */
const HOLD_S = 10;
/** Pause after the server did not answer. */
const PAUSE_MS = 2_000;

export interface Waiting {
  code: string;
  displayName: string | undefined;
  /** What a guest got from an earlier answer. */
  pass: string | undefined;
  /** Keeps the pass of a guest who waits, who after a reload goes on waiting. */
  keep: (pass: string) => void;
  /** Gives up waiting. */
  signal: AbortSignal;
}

export interface Decision {
  admitted: boolean;
  /** The guest's pass, with which to join as the person who was let in. */
  pass: string | undefined;
}

function passes(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status >= 500);
}

/** Waits for a host's decision; undefined when `signal` ended the waiting. */
export async function waitInLobby(waiting: Waiting): Promise<Decision | undefined> {
  let { pass } = waiting;
  let id: string | null = null;
  while (!waiting.signal.aborted) {
    try {
      let status: string;
      if (id === null) {
        const values = waiting.displayName ? { display_name: waiting.displayName } : {};
        const entry = await enterLobby(waiting.code, values, pass);
        pass = entry.guest?.access_token ?? pass;
        if (pass) waiting.keep(pass);
        id = entry.id ?? null;
        status = entry.status;
      } else {
        status = (await askLobby(waiting.code, id, HOLD_S, pass)).status;
      }
      if (waiting.signal.aborted) break;
      if (status === "accepted") return { admitted: true, pass };
      if (status === "denied") return { admitted: false, pass };
    } catch (error) {
      // Forgotten after a long silence, of a laptop that slept for one: ask anew.
      if (id !== null && error instanceof Problem && error.status === 404) id = null;
      else if (!passes(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
  if (id !== null) void leaveLobby(waiting.code, id, pass).catch(() => undefined);
  return undefined;
}
