// Why a camera or microphone did not start, in the few cases that need different words. In: what getUserMedia threw.
// Out: a cause and what it concerns. No DOM.
import type { MessageKey } from "../i18n";

export type Cause = "refused" | "none" | "busy" | "insecure" | "unsupported" | "failed";
export type Concern = "both" | "cam" | "mic";

export interface MediaTrouble {
  cause: Cause;
  concern: Concern;
}

/** Names of DOMExceptions by what a person has to do about them; browsers differ in the older names. */
const CAUSES: Record<string, Cause> = {
  NotAllowedError: "refused",
  PermissionDeniedError: "refused",
  SecurityError: "refused",
  NotFoundError: "none",
  DevicesNotFoundError: "none",
  OverconstrainedError: "none",
  NotReadableError: "busy",
  TrackStartError: "busy",
  AbortError: "busy",
};

export function causeOf(error: unknown): Cause {
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  return CAUSES[name] ?? "failed";
}

/** One trouble for the page out of one per device: the same cause twice concerns both, else the first one counts. */
export function combine(mic: Cause | undefined, cam: Cause | undefined): MediaTrouble | undefined {
  if (mic && mic === cam) return { cause: mic, concern: "both" };
  if (cam) return { cause: cam, concern: "cam" };
  if (mic) return { cause: mic, concern: "mic" };
  return undefined;
}

/** Title and text for `trouble`. */
export function troubleWords({ cause, concern }: MediaTrouble): {
  title: MessageKey;
  text: MessageKey;
} {
  if (cause === "refused" || cause === "none" || cause === "busy") {
    return { title: `media.${cause}.${concern}.title`, text: `media.${cause}.text` };
  }
  return { title: `media.${cause}.title`, text: `media.${cause}.text` };
}
