import { expect, it } from "vitest";
import { plural, t } from "./index";

it("fills values in", () => {
  expect(t("join.as", { name: "Ada" })).toBe("Joining as Ada");
  expect(t("join.as", { name: "$& {name}" })).toBe("Joining as $& {name}");
});

it("leaves a gap visible when a value is missing", () => {
  expect(t("join.as")).toBe("Joining as {name}");
});

it("chooses the plural form", () => {
  expect(plural("join.live", 0)).toBe("Nobody else is here yet");
  expect(plural("join.live", 1)).toBe("1 person is in the call");
  expect(plural("join.live", 1200)).toBe("1,200 people are in the call");
});
