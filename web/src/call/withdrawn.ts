// Tokens say their time in whole seconds: a removal, or the end for everybody, withdraws those of its very second with
// those before it. A fresh token that the media node takes for withdrawn is no refusal, then; the next second's is good.
// Values only; no SDK.

/** Number of `ConnectionErrorReason.NotAllowed` in the SDK. */
const NOT_ALLOWED = 0;

/** Between a withdrawn token and the next. */
export const WITHDRAWN_PAUSE_MS = 500;
/** Further tokens that are asked for: enough for the rest of a second and for clocks a second apart. */
export const WITHDRAWN_TRIES = 5;

/** Whether the media node refused a connection because its token was withdrawn, by the node's own words. */
export function isWithdrawn(error: unknown): boolean {
  const { reason, status, message } = (error ?? {}) as Record<string, unknown>;
  const said = typeof message === "string" && message.includes("the token was revoked");
  return reason === NOT_ALLOWED && status === 401 && said;
}
