// How long to wait before trying again. Numbers in, numbers out.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** Waiting time before try number `attempt` (from 0), with up to a quarter taken off so that a crowd spreads out. */
export function retryDelayMs(
  attempt: number,
  random: number,
  longestMs = LONGEST_RETRY_MS,
): number {
  const full = Math.min(longestMs, FIRST_RETRY_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (1 - random / 4));
}
