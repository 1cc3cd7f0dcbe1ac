// What every part of the call may reach: the session, what one does to the call, the room's code. And whose standing is
// what: roles and raised hands as React state.
import { useLocalParticipant, useParticipantAttributes } from "@livekit/components-react";
import type { Participant } from "livekit-client";
import { createContext, useContext } from "react";
import { useRoom } from "../api/queries";
import { handAt } from "./hands";
import { type CallRole, roleOf, type Somebody } from "./rights";
import type { CallSession } from "./session";
import type { CallVerbs } from "./verbs";

export interface CallScope {
  session: CallSession;
  verbs: CallVerbs;
  code: string;
}

const Scope = createContext<CallScope | undefined>(undefined);
export const CallScopeProvider = Scope.Provider;

export function useCall(): CallScope {
  const scope = useContext(Scope);
  if (!scope) throw new Error("outside of a call");
  return scope;
}

export function useStanding(participant: Participant): { role: CallRole; handAt: number } {
  const { attributes } = useParticipantAttributes({ participant });
  const now = attributes ?? {};
  return { role: roleOf(now), handAt: handAt(now) };
}

/** Oneself. Who owns the room or administers it is a host, also before the call has heard of it. */
export function useOwnStanding(code: string): Somebody & { handAt: number } {
  const { localParticipant } = useLocalParticipant();
  const { role, handAt } = useStanding(localParticipant);
  const inRoom = useRoom(code).data?.role;
  const isHost = inRoom === "owner" || inRoom === "admin";
  return { identity: localParticipant.identity, role: isHost ? "host" : role, handAt };
}
