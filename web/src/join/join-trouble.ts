// Why a join was refused or failed, and what a person can do about it. In: a Problem of the join request, or what the
// media connection threw. Out: message keys and a next step. No DOM.
import { AWAY, Problem } from "../api/problem";
import type { MessageKey } from "../i18n";

export interface JoinTrouble {
  title: MessageKey;
  text: MessageKey | "";
  /** The server's own sentence, where ours says too little. */
  detail?: string;
  step: "retry" | "signin" | "home";
}

type Known = "notfound" | "closed" | "full" | "locked" | "signin" | "forbidden" | "away" | "media";
type Refused = "denied" | "banned";
type Kind = Known | Refused | "expired" | "unavailable";

const STEPS: Record<Kind, JoinTrouble["step"]> = {
  notfound: "home",
  closed: "home",
  full: "retry",
  locked: "retry",
  signin: "signin",
  forbidden: "home",
  denied: "retry",
  banned: "home",
  expired: "retry",
  away: "retry",
  media: "retry",
  unavailable: "retry",
};

const CODES: Record<string, Kind> = {
  room_not_found: "notfound",
  not_found: "notfound",
  room_closed: "closed",
  room_inactive: "closed",
  room_expired: "closed",
  room_full: "full",
  room_locked: "locked",
  call_locked: "locked",
  sign_in_required: "signin",
  forbidden: "forbidden",
  banned: "banned",
  token_expired: "expired",
  no_media_node: "unavailable",
  media_unavailable: "unavailable",
  [AWAY]: "away",
};

const STATUSES: Record<number, Kind> = {
  401: "signin",
  403: "forbidden",
  404: "notfound",
  410: "closed",
  503: "unavailable",
};

function trouble(kind: Kind): JoinTrouble {
  return {
    title: `join.error.${kind}.title`,
    text: `join.error.${kind}.text`,
    step: STEPS[kind],
  };
}

/** A host decided against somebody who waited. */
export const DENIED: JoinTrouble = trouble("denied");

/** The trouble behind a failed `POST /rooms/{room}/join`. */
export function joinTrouble(error: unknown): JoinTrouble {
  if (error instanceof Problem) {
    const kind = CODES[error.code] ?? STATUSES[error.status];
    if (kind) return trouble(kind);
    const detail = error.message;
    return {
      title: "join.error.unknown.title",
      text: detail ? "" : "error.unknown",
      ...(detail ? { detail } : {}),
      step: "retry",
    };
  }
  // Not an answer at all: a part of the app could not be loaded.
  return trouble("away");
}

/** Numbers of `ConnectionErrorReason` in the SDK, which this file must not load: 0 not allowed, 1 unreachable. */
const NOT_ALLOWED = 0;
const UNREACHABLE = 1;

/** The trouble behind a connection to the media node that did not come up; `status` is HTTP's, when known. */
export function connectTrouble(error: unknown): JoinTrouble {
  // A further ticket was asked for on the way, and refused.
  if (error instanceof Problem) return joinTrouble(error);
  const { reason, status } = (error ?? {}) as { reason?: unknown; status?: unknown };
  if (reason === NOT_ALLOWED) {
    if (status === 404) return trouble("closed");
    if (status === 403) return trouble("forbidden");
    return trouble("expired");
  }
  return trouble(reason === UNREACHABLE ? "away" : "media");
}
