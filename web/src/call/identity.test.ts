import { describe, expect, it } from "vitest";
import { hueOf, initials, isElsewhereToo, userOf } from "./identity";

describe("userOf", () => {
  it("reads the user out of an identity with and without a tab", () => {
    expect(userOf("u_0190d2a6-0000-7000-8000-000000000000_abcdefgh")).toBe(
      "0190d2a6-0000-7000-8000-000000000000",
    );
    expect(userOf("u_0190d2a6-0000-7000-8000-000000000000")).toBe(
      "0190d2a6-0000-7000-8000-000000000000",
    );
  });

  it("knows no user behind guests and foreign identities", () => {
    for (const identity of ["g_1_abcdefgh", "alice", "", "u_", "u__abc"]) {
      expect(userOf(identity), identity).toBeUndefined();
    }
  });
});

describe("isElsewhereToo", () => {
  it("finds another tab of the same user only", () => {
    expect(isElsewhereToo("u_1_aaaaaaaa", ["u_2_aaaaaaaa", "u_1_bbbbbbbb"])).toBe(true);
    expect(isElsewhereToo("u_1_aaaaaaaa", ["u_1_aaaaaaaa", "u_11_bbbbbbbb"])).toBe(false);
    expect(isElsewhereToo("g_1_aaaaaaaa", ["g_1_bbbbbbbb"])).toBe(false);
  });
});

describe("initials", () => {
  it("takes the first letters of the first and the last word", () => {
    expect(initials("Ada King Lovelace")).toBe("AL");
    expect(initials("  émile ")).toBe("É");
    expect(initials("🦊 fox")).toBe("🦊F");
    expect(initials("")).toBe("?");
  });
});

it("gives everybody a hue of their own that stays", () => {
  expect(hueOf("u_1_a")).toBe(hueOf("u_1_a"));
  const hues = new Set(Array.from({ length: 50 }, (_, index) => hueOf(`u_${index}`)));
  expect(hues.size).toBeGreaterThan(25);
});
