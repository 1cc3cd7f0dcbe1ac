import { expect, it } from "vitest";
import { byHand, handAt } from "./hands";

it("reads when a hand was raised", () => {
  expect(handAt({ hand: "1700000000000000" })).toBe(1_700_000_000_000_000);
  for (const hand of ["", "no", "-1"]) expect(handAt({ hand })).toBe(0);
  expect(handAt({})).toBe(0);
});

it("puts raised hands first, in order of raising", () => {
  expect([0, 30, 10, 0, 20].sort(byHand)).toEqual([10, 20, 30, 0, 0]);
});
