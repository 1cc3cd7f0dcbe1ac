// Raised hands. In: the attributes of participants, where the server notes when a hand was raised. Values only; no SDK.

/** Since when the hand is raised, in microseconds since the epoch; 0 when it is not. */
export function handAt(attributes: Readonly<Record<string, string>>): number {
  const at = Number(attributes.hand ?? "");
  return Number.isFinite(at) && at > 0 ? at : 0;
}

/** Raised hands first, the longest raised at the top; 0 where neither has one. */
export function byHand(a: number, b: number): number {
  if (a === b) return 0;
  if (a === 0) return 1;
  if (b === 0) return -1;
  return a - b;
}
