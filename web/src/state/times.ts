// Times in words, in the reader's zone. In: moments of the API. Out: text.
import { locale, type MessageKey, t } from "../i18n";

/** The reader's zone, as IANA names it. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** "Monday, November 23, 2026, 9:30 – 10:00 AM" on the clock of `zone`. */
export function span(from: string, to: string, zone: string = ownZone()): string {
  const format = new Intl.DateTimeFormat(locale, {
    weekday: "long",
    year: "numeric",
    month: "long",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
  });
  return format.formatRange(new Date(from), new Date(to));
}

/** "Mon, Nov 23, 9:30 AM" */
export function shortTime(at: string, zone: string = ownZone()): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: "short",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
  }).format(new Date(at));
}

/** "9:30 AM" */
export function clockTime(at: string, zone: string = ownZone()): string {
  return new Intl.DateTimeFormat(locale, {
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
  }).format(new Date(at));
}

/** "Monday, November 23" */
export function dayWords(at: string, zone: string = ownZone()): string {
  return new Intl.DateTimeFormat(locale, {
    weekday: "long",
    month: "long",
    day: "numeric",
    timeZone: zone,
  }).format(new Date(at));
}

/** Whether two clocks on the wall show the same at `at`. */
export function sameClock(at: string, one: string, other: string): boolean {
  const show = (zone: string) => {
    try {
      return shortTime(at, zone);
    } catch {
      // A zone this browser does not know.
      return undefined;
    }
  };
  const there = show(other);
  return there === undefined || show(one) === there;
}

const RULES: Record<string, MessageKey> = {
  DAILY: "meetings.repeats.daily",
  WEEKLY: "meetings.repeats.weekly",
  MONTHLY: "meetings.repeats.monthly",
  YEARLY: "meetings.repeats.yearly",
};

/** How a rule of RFC 5545 repeats; only the plainest rules have words of their own. */
export function repetition(rrule: string | null | undefined): string | undefined {
  if (!rrule) return undefined;
  const parts = new Map(rrule.split(";").map((part) => part.split("=", 2) as [string, string]));
  const plain = [...parts.keys()].every((name) => ["FREQ", "WKST", "INTERVAL"].includes(name));
  const key = RULES[parts.get("FREQ") ?? ""];
  return plain && key && (parts.get("INTERVAL") ?? "1") === "1" ? t(key) : t("meetings.repeats");
}

/** How long before its start people are let to a meeting from its page. */
const EARLY_MS = 30 * 60_000;

/** Since when one may join something that starts at `from`. */
export function opensAt(from: string): Date {
  return new Date(new Date(from).getTime() - EARLY_MS);
}

const TWO = (value: number) => String(value).padStart(2, "0");

/** What a date and time field holds for `at`, on the reader's clock, to the minute. */
export function fieldValue(at: Date): string {
  const day = `${at.getFullYear()}-${TWO(at.getMonth() + 1)}-${TWO(at.getDate())}`;
  return `${day}T${TWO(at.getHours())}:${TWO(at.getMinutes())}`;
}

/** The next full hour that is at least a few minutes away. */
export function nextHour(now: Date): Date {
  const next = new Date(now.getTime() + 5 * 60_000);
  next.setMinutes(0, 0, 0);
  next.setHours(next.getHours() + 1);
  return next;
}
