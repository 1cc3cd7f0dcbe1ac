import { describe, expect, it } from "vitest";
import { linkify } from "./linkify";

const links = (text: string) => linkify(text).flatMap(({ href }) => (href ? [href] : []));

describe("linkify", () => {
  it("gives the whole text back in parts", () => {
    for (const text of [
      "",
      "no link",
      "a https://a.org, b www.b.org!\nc",
      "<b>https://c.org</b>",
    ]) {
      expect(
        linkify(text)
          .map((part) => part.text)
          .join(""),
      ).toBe(text);
    }
  });

  it("finds web addresses", () => {
    expect(links("see https://example.org/a?b=c#d and http://x.test")).toEqual([
      "https://example.org/a?b=c#d",
      "http://x.test/",
    ]);
    expect(links("www.example.org")).toEqual(["https://www.example.org/"]);
  });

  it("leaves the end of the sentence outside", () => {
    expect(links("(https://example.org/a).")).toEqual(["https://example.org/a"]);
    expect(links("https://en.example.org/wiki/A_(b), yes")).toEqual([
      "https://en.example.org/wiki/A_(b)",
    ]);
  });

  it("makes no link of anything else", () => {
    for (const text of [
      "javascript:alert(1)",
      "data:text/html,x",
      "file:///etc/passwd",
      "https://",
      "awww.no",
      "https://user:secret@evil.test/",
      "//evil.test",
    ]) {
      expect(links(text), text).toEqual([]);
    }
  });

  it("ends a link where HTML would begin", () => {
    expect(links('https://a.org/"onclick=x')).toEqual(["https://a.org/"]);
    expect(links("https://a.org/<script>")).toEqual(["https://a.org/"]);
  });
});
