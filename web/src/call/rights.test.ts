import { describe, expect, it } from "vitest";
import { anyRight, type CallRole, rightsOver, roleOf, subjectOf } from "./rights";

const host = { identity: "u_ada_tab1", role: "host" as CallRole };
const other = (role: CallRole, identity = "u_ben_tab1") => ({ identity, role });

describe("roleOf", () => {
  it("takes known roles only", () => {
    expect(roleOf({ role: "cohost" })).toBe("cohost");
    expect(roleOf({ role: "emperor" })).toBe("guest");
    expect(roleOf({})).toBe("guest");
  });
});

describe("subjectOf", () => {
  it("is the same for all tabs of a person", () => {
    expect(subjectOf("u_1-2_abc")).toBe(subjectOf("u_1-2_def"));
    expect(subjectOf("g_1-2_abc")).toBe("g_1-2");
    expect(subjectOf("u_1-2")).not.toBe(subjectOf("g_1-2"));
    expect(subjectOf("somebody else")).toBe("somebody else");
  });
});

describe("rightsOver", () => {
  it("lets a host do everything to others", () => {
    expect(rightsOver(host, other("participant"))).toEqual({
      mute: true,
      lowerHand: true,
      remove: true,
      ban: true,
      makeCohost: true,
      unmakeCohost: false,
    });
    expect(rightsOver(host, other("cohost")).unmakeCohost).toBe(true);
    expect(rightsOver(host, other("guest")).makeCohost).toBe(false);
  });

  it("lets a cohost neither touch hosts nor give roles", () => {
    const cohost = { identity: "u_cleo_tab1", role: "cohost" as CallRole };
    expect(rightsOver(cohost, other("guest"))).toMatchObject({ mute: true, remove: true });
    expect(rightsOver(cohost, other("participant")).makeCohost).toBe(false);
    expect(rightsOver(cohost, host)).toMatchObject({ mute: false, remove: false, ban: false });
  });

  it("lets a host mute the own other tab, but not throw it out", () => {
    const rights = rightsOver(host, other("host", "u_ada_tab2"));
    expect(rights).toMatchObject({ mute: true, remove: false, ban: false });
  });

  it("keeps hosts from banning hosts", () => {
    expect(rightsOver(host, other("host"))).toMatchObject({ remove: true, ban: false });
  });

  it("gives nobody else anything", () => {
    for (const role of ["participant", "guest"] as const) {
      expect(anyRight(rightsOver(other(role), other("guest", "g_dan_tab1")))).toBe(false);
    }
  });
});
