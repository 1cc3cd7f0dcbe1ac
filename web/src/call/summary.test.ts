import { expect, it } from "vitest";
import { clock, durationWords } from "./summary";

it("says how long a call was", () => {
  expect(durationWords(59_000)).toBe("less than a minute");
  expect(durationWords(60_000)).toBe("1 minute");
  expect(durationWords(3_600_000)).toBe("1 hour");
  expect(durationWords(2 * 3_600_000 + 5 * 60_000)).toBe("2 hours 5 minutes");
});

it("shows a clock", () => {
  expect(clock(7_000)).toBe("0:07");
  expect(clock(247_000)).toBe("4:07");
  expect(clock(3_847_000)).toBe("1:04:07");
});
