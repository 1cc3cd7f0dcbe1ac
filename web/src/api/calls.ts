// What people do to a call they are in: requests of `/calls/{call_id}` and the call of a room. In: ids, and a guest's pass.
// Out: the answer, or a thrown Problem.
import { api, orThrow } from "./client";
import { withPass } from "./queries";
import type { components } from "./schema";

export type CallDetails = components["schemas"]["CallDetails"];
type GivenRole = components["schemas"]["GivenRole"];

/** Who asks: a guest's pass, or undefined for the session of this browser. */
type Pass = string | undefined;

/** The open call of a room. */
export function findCall(room: string, pass: Pass) {
  return orThrow(
    api.GET("/api/v1/rooms/{room}/call", { params: { path: { room } }, ...withPass(pass) }),
  );
}

export function getCall(callId: string, pass: Pass): Promise<CallDetails> {
  const params = { path: { call_id: callId } };
  return orThrow(api.GET("/api/v1/calls/{call_id}", { params, ...withPass(pass) }));
}

export function lockCall(callId: string, locked: boolean, pass: Pass): Promise<CallDetails> {
  const options = { params: { path: { call_id: callId } }, ...withPass(pass) };
  return locked
    ? orThrow(api.POST("/api/v1/calls/{call_id}/lock", options))
    : orThrow(api.POST("/api/v1/calls/{call_id}/unlock", options));
}

export function endCall(callId: string, pass: Pass): Promise<CallDetails> {
  const params = { path: { call_id: callId } };
  return orThrow(api.POST("/api/v1/calls/{call_id}/end", { params, ...withPass(pass) }));
}

/** Mutes the microphones of everybody but hosts and cohosts. */
export function muteAll(callId: string, pass: Pass) {
  const params = { path: { call_id: callId } };
  return orThrow(api.POST("/api/v1/calls/{call_id}/mute-all", { params, ...withPass(pass) }));
}

export function lowerHands(callId: string, pass: Pass) {
  const params = { path: { call_id: callId } };
  return orThrow(api.POST("/api/v1/calls/{call_id}/lower-hands", { params, ...withPass(pass) }));
}

/** `pid` is the identity of a participant, here and below. */
export function muteParticipant(callId: string, pid: string, pass: Pass) {
  const params = { path: { call_id: callId, pid } };
  return orThrow(
    api.POST("/api/v1/calls/{call_id}/participants/{pid}/mute", { params, ...withPass(pass) }),
  );
}

/** Removes somebody with all their tabs; with `ban` they cannot come back. */
export function removeParticipant(callId: string, pid: string, ban: boolean, pass: Pass) {
  const params = { path: { call_id: callId, pid } };
  return orThrow(
    api.POST("/api/v1/calls/{call_id}/participants/{pid}/remove", {
      params,
      body: { ban },
      ...withPass(pass),
    }),
  );
}

export function giveRole(callId: string, pid: string, role: GivenRole, pass: Pass) {
  const params = { path: { call_id: callId, pid } };
  return orThrow(
    api.POST("/api/v1/calls/{call_id}/participants/{pid}/role", {
      params,
      body: { role },
      ...withPass(pass),
    }),
  );
}

export function setHand(callId: string, pid: string, raised: boolean, pass: Pass) {
  const params = { path: { call_id: callId, pid } };
  return orThrow(
    api.POST("/api/v1/calls/{call_id}/participants/{pid}/hand", {
      params,
      body: { raised },
      ...withPass(pass),
    }),
  );
}
