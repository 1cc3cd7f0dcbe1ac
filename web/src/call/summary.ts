// What remains of a call when it is over, in words. No DOM, no SDK: the after-call page loads this alone.
import { plural, t } from "../i18n";

export type EndReason = "left" | "ended" | "removed" | "duplicate" | "closed" | "lost";

export interface CallSummary {
  reason: EndReason;
  durationMs: number;
  /** Everybody else who was in the call while this page was, in order of appearance. */
  people: { identity: string; name: string }[];
}

const MINUTE_MS = 60_000;

/** "1 hour 5 minutes"; seconds do not matter to anybody. */
export function durationWords(durationMs: number): string {
  const minutes = Math.floor(durationMs / MINUTE_MS);
  if (minutes === 0) return t("after.short");
  const hours = Math.floor(minutes / 60);
  const parts = [];
  if (hours > 0) parts.push(plural("after.hours", hours));
  if (minutes % 60 > 0) parts.push(plural("after.minutes", minutes % 60));
  return parts.join(" ");
}

/** "4:07" or "1:04:07". */
export function clock(durationMs: number): string {
  const seconds = Math.floor(durationMs / 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
