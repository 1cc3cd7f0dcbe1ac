// What one does to the call beyond one's own devices, without React: mute, remove, lock, roles, hands, the end. In: the
// session. Out: requests to the API under the call's id, which is asked for once and again when it is another call.
import * as calls from "../api/calls";
import { Problem } from "../api/problem";
import type { CallSession } from "./session";

/** The id in hand is no open call any more: it ended, and another began. */
function isOther(error: unknown): boolean {
  if (!(error instanceof Problem)) return false;
  return error.code === "call_not_found" || error.code === "call_ended";
}

export class CallVerbs {
  readonly #session: CallSession;
  #callId: Promise<string> | undefined;

  constructor(session: CallSession) {
    this.#session = session;
  }

  get(): Promise<calls.CallDetails> {
    return this.#within((id) => calls.getCall(id, this.#pass));
  }

  lock(locked: boolean): Promise<calls.CallDetails> {
    return this.#within((id) => calls.lockCall(id, locked, this.#pass));
  }

  end(): Promise<calls.CallDetails> {
    return this.#within((id) => calls.endCall(id, this.#pass));
  }

  muteAll(): Promise<{ muted: number }> {
    return this.#within((id) => calls.muteAll(id, this.#pass));
  }

  lowerHands(): Promise<{ lowered: number }> {
    return this.#within((id) => calls.lowerHands(id, this.#pass));
  }

  mute(identity: string): Promise<unknown> {
    return this.#within((id) => calls.muteParticipant(id, identity, this.#pass));
  }

  remove(identity: string, ban: boolean): Promise<unknown> {
    return this.#within((id) => calls.removeParticipant(id, identity, ban, this.#pass));
  }

  setCohost(identity: string, cohost: boolean): Promise<unknown> {
    const role = cohost ? "cohost" : "participant";
    return this.#within((id) => calls.giveRole(id, identity, role, this.#pass));
  }

  setHand(identity: string, raised: boolean): Promise<unknown> {
    return this.#within((id) => calls.setHand(id, identity, raised, this.#pass));
  }

  get #pass(): string | undefined {
    return this.#session.pass;
  }

  async #within<T>(request: (callId: string) => Promise<T>): Promise<T> {
    const known = this.#callId !== undefined;
    try {
      return await request(await this.#find());
    } catch (error) {
      this.#callId = undefined;
      if (!known || !isOther(error)) throw error;
    }
    return request(await this.#find());
  }

  #find(): Promise<string> {
    this.#callId ??= calls.findCall(this.#session.roomId, this.#pass).then((call) => call.id);
    return this.#callId;
  }
}
