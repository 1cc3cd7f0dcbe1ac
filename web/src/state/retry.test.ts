import { expect, it } from "vitest";
import { retryDelayMs } from "./retry";

it("waits longer after each try, never longer than five seconds", () => {
  const delays = Array.from({ length: 12 }, (_, attempt) => retryDelayMs(attempt, 0));
  expect(delays.slice(0, 5)).toEqual([500, 1000, 2000, 4000, 5000]);
  expect(Math.max(...delays)).toBe(5000);
  expect(retryDelayMs(3, 1)).toBe(3000);
  expect(retryDelayMs(9, 0, 30_000)).toBe(30_000);
});
