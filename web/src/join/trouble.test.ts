import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import en from "../i18n/en.json";
import { connectTrouble, joinTrouble } from "./join-trouble";
import { type Cause, causeOf, combine, troubleWords } from "./media-trouble";

const named = (name: string) => Object.assign(new Error("x"), { name });

describe("media trouble", () => {
  it("tells refused, missing and busy devices apart", () => {
    expect(causeOf(named("NotAllowedError"))).toBe("refused");
    expect(causeOf(named("NotFoundError"))).toBe("none");
    expect(causeOf(named("NotReadableError"))).toBe("busy");
    expect(causeOf("what?")).toBe("failed");
  });

  it("speaks of both devices only when both have the same trouble", () => {
    expect(combine("refused", "refused")).toEqual({ cause: "refused", concern: "both" });
    expect(combine(undefined, "busy")).toEqual({ cause: "busy", concern: "cam" });
    expect(combine("none", undefined)).toEqual({ cause: "none", concern: "mic" });
    expect(combine("none", "refused")).toEqual({ cause: "refused", concern: "cam" });
    expect(combine(undefined, undefined)).toBeUndefined();
  });

  it("has words of its own for every case", () => {
    const texts = new Set<string>();
    const causes: Cause[] = ["refused", "none", "busy", "insecure", "unsupported", "failed"];
    for (const cause of causes) {
      for (const concern of ["both", "cam", "mic"] as const) {
        const words = troubleWords({ cause, concern });
        expect(en[words.title]).toBeTruthy();
        texts.add(en[words.text]);
      }
    }
    expect(texts.size).toBe(causes.length);
  });
});

describe("join trouble", () => {
  it.each([
    [404, "room_not_found", "join.error.notfound.title", "home"],
    [401, "sign_in_required", "join.error.signin.title", "signin"],
    [403, "room_full", "join.error.full.title", "retry"],
    [409, "room_full", "join.error.full.title", "retry"],
    [410, "", "join.error.closed.title", "home"],
    [403, "forbidden", "join.error.forbidden.title", "home"],
    [503, "no_media_node", "join.error.unavailable.title", "retry"],
    [0, "server_away", "join.error.away.title", "retry"],
  ])("%i %s", (status, code, title, step) => {
    const trouble = joinTrouble(new Problem(status, code, ""));
    expect(trouble.title).toBe(title);
    expect(trouble.step).toBe(step);
    expect(trouble.text && en[trouble.text]).toBeTruthy();
  });

  it("passes on what the server says about a case we do not know", () => {
    const trouble = joinTrouble(
      new Problem(422, "validation_failed", "Names end after 100 letters."),
    );
    expect(trouble.detail).toBe("Names end after 100 letters.");
  });

  it("tells an expired permission from a server that is away and from blocked media", () => {
    expect(connectTrouble({ reason: 0, status: 401 }).title).toBe("join.error.expired.title");
    expect(connectTrouble({ reason: 0, status: 404 }).title).toBe("join.error.closed.title");
    expect(connectTrouble({ reason: 1 }).title).toBe("join.error.away.title");
    expect(connectTrouble({ reason: 5 }).title).toBe("join.error.media.title");
    expect(connectTrouble(undefined).title).toBe("join.error.media.title");
    expect(connectTrouble(new Problem(403, "banned", "")).title).toBe("join.error.banned.title");
  });
});
