// What a disconnect means for the person: over for good, or something to recover from.
import { DisconnectReason } from "livekit-client";
import { Problem } from "../api/problem";
import type { EndReason } from "./summary";

/** Why the call is over, or undefined when joining again is right. */
export function endOf(reason: DisconnectReason | undefined): EndReason | undefined {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return "left";
    case DisconnectReason.DUPLICATE_IDENTITY:
      return "duplicate";
    case DisconnectReason.PARTICIPANT_REMOVED:
      return "removed";
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return "closed";
    default:
      return undefined;
  }
}

/** Why asking to join again is hopeless, or undefined when a further try may help. */
export function endOfRetry(error: unknown): EndReason | undefined {
  if (!(error instanceof Problem)) return undefined;
  if (error.status === 404 || error.status === 410) return "closed";
  if (error.status === 401 || error.status === 403) return "removed";
  return undefined;
}
