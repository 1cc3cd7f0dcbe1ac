import { describe, expect, it } from "vitest";
import { firstPageFirst, type Standing } from "./order";

const person = (key: string, spokeAt = 0, isLocal = false): Standing => ({ key, spokeAt, isLocal });
const keys = (entries: Standing[]) => entries.map((entry) => entry.key).join("");

describe("firstPageFirst", () => {
  it("puts oneself first and leaves the others as they came", () => {
    expect(keys(firstPageFirst([person("a"), person("b", 9), person("c", 0, true)], 4))).toBe(
      "cab",
    );
  });

  it("brings who speaks to the first page", () => {
    const people = [person("a"), person("b"), person("c"), person("d", 5)];
    expect(keys(firstPageFirst(people, 2))).toBe("adbc");
  });

  it("moves nobody on the page when one of them speaks", () => {
    const quiet = [person("a", 1), person("b", 2), person("c"), person("d")];
    const loud = [person("a", 1), person("b", 7), person("c"), person("d")];
    expect(keys(firstPageFirst(quiet, 2))).toBe(keys(firstPageFirst(loud, 2)));
  });

  it("keeps oneself on a page of one", () => {
    expect(keys(firstPageFirst([person("a", 3), person("b", 0, true)], 1))).toBe("ba");
    expect(firstPageFirst([], 4)).toEqual([]);
  });
});
