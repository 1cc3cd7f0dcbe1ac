import { describe, expect, it } from "vitest";
import { fieldValue, nextHour, opensAt, repetition, sameClock, shortTime, span } from "./times";

const SPACES = /[\u202f\u2009]/g;

describe("span", () => {
  it("shows a meeting on the reader's clock", () => {
    const words = span("2026-11-23T08:30:00Z", "2026-11-23T09:00:00Z", "Europe/Berlin");
    expect(words.replace(SPACES, " ")).toBe("Monday, November 23, 2026, 9:30 – 10:00 AM");
  });

  it("names both days when it goes past midnight", () => {
    const words = span("2026-11-23T22:30:00Z", "2026-11-24T00:00:00Z", "UTC");
    expect(words).toContain("November 23");
    expect(words).toContain("November 24");
  });
});

describe("sameClock", () => {
  it("compares what the clocks show at that moment, not the names", () => {
    expect(sameClock("2026-11-23T08:30:00Z", "Europe/Berlin", "Europe/Paris")).toBe(true);
    expect(sameClock("2026-11-23T08:30:00Z", "Europe/Berlin", "Asia/Tokyo")).toBe(false);
    expect(shortTime("2026-07-01T08:30:00Z", "Asia/Tokyo").replace(SPACES, " ")).toBe(
      "Wed, Jul 1, 5:30 PM",
    );
  });

  it("leaves zones alone that the browser does not know", () => {
    expect(sameClock("2026-11-23T08:30:00Z", "UTC", "Nowhere/Else")).toBe(true);
  });
});

describe("repetition", () => {
  it("has words for plain rules and a word for all others", () => {
    expect(repetition(null)).toBeUndefined();
    expect(repetition("FREQ=DAILY")).toBe("Every day");
    expect(repetition("FREQ=WEEKLY;INTERVAL=1;WKST=MO")).toBe("Every week");
    expect(repetition("FREQ=WEEKLY;INTERVAL=2")).toBe("Repeats");
    expect(repetition("FREQ=WEEKLY;BYDAY=MO,WE")).toBe("Repeats");
    expect(repetition("nonsense")).toBe("Repeats");
  });
});

describe("fields", () => {
  it("begin at a full hour that is not about to pass", () => {
    expect(fieldValue(nextHour(new Date(2026, 10, 23, 9, 20)))).toBe("2026-11-23T10:00");
    expect(fieldValue(nextHour(new Date(2026, 10, 23, 9, 58)))).toBe("2026-11-23T11:00");
    expect(fieldValue(nextHour(new Date(2026, 11, 31, 23, 30)))).toBe("2027-01-01T00:00");
  });

  it("open half an hour early", () => {
    expect(opensAt("2026-11-23T08:30:00Z").toISOString()).toBe("2026-11-23T08:00:00.000Z");
  });
});
