import { describe, expect, it } from "vitest";
import { isWithdrawn, WITHDRAWN_PAUSE_MS, WITHDRAWN_TRIES } from "./withdrawn";

const refusal = (message: string, status = 401, reason = 0) =>
  Object.assign(new Error(message), { reason, status });

const REVOKED =
  "the token was revoked: the participant was removed or the room deleted after it was issued";

describe("isWithdrawn", () => {
  it("knows the node's refusal of a withdrawn token", () => {
    expect(isWithdrawn(refusal(REVOKED))).toBe(true);
  });

  it("takes no other refusal for it", () => {
    expect(isWithdrawn(refusal("the token has expired"))).toBe(false);
    expect(isWithdrawn(refusal(REVOKED, 403))).toBe(false);
    expect(isWithdrawn(refusal(REVOKED, 401, 1))).toBe(false);
    expect(isWithdrawn(undefined)).toBe(false);
    expect(isWithdrawn("the token was revoked")).toBe(false);
  });

  it("is given more than a second, and less than three", () => {
    expect(WITHDRAWN_PAUSE_MS * WITHDRAWN_TRIES).toBeGreaterThan(1_000);
    expect(WITHDRAWN_PAUSE_MS * WITHDRAWN_TRIES).toBeLessThan(3_000);
  });
});
