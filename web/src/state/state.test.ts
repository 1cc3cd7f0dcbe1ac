import { describe, expect, it } from "vitest";
import { readAddresses } from "./addresses";
import { readLink } from "./link-values";
import { safeNext } from "./next";
import { parsePasses } from "./passes";
import { parsePreferences } from "./preferences";
import { codeFrom, roomLink } from "./room-link";
import { isTabName, newTabName } from "./tab";

describe("codeFrom", () => {
  it("finds the code in what people paste", () => {
    for (const text of [
      "bcdfghjklm",
      " BCDFG-HJKLM ",
      "https://calls.example.org/j/bcdfghjklm",
      "http://localhost:7880/j/bcdfghjklm?video=360p#x",
      "bcdfg hjklm",
    ]) {
      expect(codeFrom(text), text).toBe("bcdfghjklm");
    }
  });

  it("refuses what is no code", () => {
    for (const text of ["", "https://example.org/", "a", "../../etc", "<script>", "bcdfghjklmn"]) {
      expect(codeFrom(text), text).toBeNull();
    }
  });

  it("reads its own links", () => {
    expect(codeFrom(roomLink("bcdfghjklm", "https://a.example"))).toBe("bcdfghjklm");
  });
});

describe("safeNext", () => {
  it("stays on this site", () => {
    expect(safeNext("/j/bcdfghjklm")).toBe("/j/bcdfghjklm");
    for (const wish of [null, "", "https://evil.example", "//evil.example", "/\\evil.example"]) {
      expect(safeNext(wish)).toBe("/rooms");
    }
  });
});

describe("readAddresses", () => {
  it("takes what people paste", () => {
    const text =
      "ada@example.org, Bob <BOB@example.org>;\n eve@example.org  dan@example.org\n\nada@example.org";
    expect(readAddresses(text)).toEqual({
      emails: ["ada@example.org", "bob@example.org", "eve@example.org", "dan@example.org"],
      bad: [],
    });
  });

  it("points at what is no address", () => {
    expect(readAddresses("ada@example.org, bob").bad).toEqual(["bob"]);
    expect(readAddresses("   ")).toEqual({ emails: [], bad: [] });
  });
});

describe("readLink", () => {
  it("reads address and code, and takes nothing else for a code", () => {
    expect(readLink("#email=a%2Bb%40example.org&code=012345")).toEqual({
      email: "a+b@example.org",
      code: "012345",
    });
    for (const hash of ["", "#", "#main", "#code=12345", "#code=12345a", "#code=%3Cscript%3E"])
      expect(readLink(hash).code, hash).toBe("");
  });
});

describe("parsePreferences", () => {
  it("keeps what is well-formed and forgets the rest", () => {
    const read = parsePreferences('{"audio":false,"video":"yes","view":"cube","extra":1}');
    expect(read.audio).toBe(false);
    expect(read.video).toBe(true);
    expect(read.view).toBe("grid");
    expect(read).not.toHaveProperty("extra");
  });

  it("survives garbage", () => {
    for (const text of [null, "", "{", "null", "7"])
      expect(parsePreferences(text).audio).toBe(true);
  });
});

describe("parsePasses", () => {
  const pass = { code: "bcdfghjklm", token: "t", name: "Gus", until: 2_000 };
  const text = (record: unknown) => JSON.stringify(record);

  it("gives a tab its own passes that still hold", () => {
    const old = { ...pass, code: "nmbcdfghjk", until: 1_000 };
    const stored = text({ tab: "tab1", passes: [pass, old] });
    expect(parsePasses(stored, "tab1", 1_000)).toEqual([pass]);
    expect(parsePasses(stored, "tab1", 2_000)).toEqual([]);
  });

  it("gives a duplicated tab nothing", () => {
    expect(parsePasses(text({ tab: "tab1", passes: [pass] }), "tab2", 0)).toEqual([]);
  });

  it("survives garbage", () => {
    const half = { tab: "t", passes: [null, 7, { ...pass, token: 7 }, { ...pass, until: "" }] };
    for (const stored of [null, "", "{", "null", "7", text({ passes: {} }), text(half)])
      expect(parsePasses(stored, "t", 0), `${stored}`).toEqual([]);
  });
});

describe("newTabName", () => {
  it("makes names that the server takes", () => {
    const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
    for (let round = 0; round < 200; round += 1) expect(isTabName(newTabName(random))).toBe(true);
  });

  it("skips bytes that would favour some letters", () => {
    let call = 0;
    const random = (length: number) => new Uint8Array(length).fill(call++ === 0 ? 255 : 0);
    expect(newTabName(random)).toBe("a".repeat(16));
  });
});
