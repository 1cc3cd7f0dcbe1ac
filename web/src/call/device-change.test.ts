import { describe, expect, it } from "vitest";
import { type Device, lossOf, newIn } from "./device-change";

const mic = (deviceId: string, label = deviceId): Device => ({
  deviceId,
  label,
  kind: "audioinput",
  groupId: "",
});

describe("lossOf", () => {
  const before = [mic("default", "Default"), mic("usb"), mic("built-in")];

  it("falls back to the system's default", () => {
    const loss = lossOf(before, [mic("default"), mic("built-in")], "audioinput", "usb");
    expect(loss?.gone.deviceId).toBe("usb");
    expect(loss?.instead?.deviceId).toBe("default");
  });

  it("falls back to what is left, or to nothing", () => {
    expect(lossOf([mic("usb"), mic("b")], [mic("b")], "audioinput", "usb")?.instead?.deviceId).toBe(
      "b",
    );
    const bare = lossOf([mic("usb")], [], "audioinput", "usb");
    expect(bare).toBeDefined();
    expect(bare?.instead).toBeUndefined();
  });

  it("does not care about devices that are not in use", () => {
    expect(lossOf(before, [mic("default"), mic("usb")], "audioinput", "usb")).toBeUndefined();
    expect(lossOf(before, [], "audioinput", "default")).toBeUndefined();
    expect(lossOf(before, [], "videoinput", "usb")).toBeUndefined();
  });
});

describe("newIn", () => {
  it("names what was plugged in, without aliases and nameless entries", () => {
    const after = [mic("a"), mic("b"), mic("default"), mic("c", "")];
    expect(newIn([mic("a")], after, "audioinput").map((device) => device.deviceId)).toEqual(["b"]);
  });

  it("does not announce a list that was merely hidden before", () => {
    expect(newIn([mic("")], [mic("a")], "audioinput")).toEqual([]);
  });
});
