import { beforeEach, describe, expect, it, vi } from "vitest";
import { keepHand } from "./hand-return";
import type { Status } from "./session";

function call() {
  const listeners = new Set<() => void>();
  const me = { sid: "PA_1", identity: "g_1_tab", attributes: {} as Record<string, string> };
  const session = {
    status: "live" as Status,
    room: { localParticipant: me },
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const setHand = vi.fn(async (_identity: string, _raised: boolean): Promise<unknown> => {
    me.attributes = { hand: "7" };
    return undefined;
  });
  const become = async (status: Status, change: Partial<typeof me> = {}) => {
    Object.assign(me, change);
    session.status = status;
    for (const listener of listeners) listener();
    await vi.advanceTimersByTimeAsync(60_000);
  };
  return { me, session, setHand, become, off: keepHand(session, { setHand }) };
}

beforeEach(() => {
  vi.useFakeTimers();
});

describe("keepHand", () => {
  it("raises the hand again after a new join, however late the call knows of it", async () => {
    const { me, setHand, become } = call();
    me.attributes = { hand: "5" };
    setHand.mockRejectedValueOnce(new Error("not known yet"));
    await become("reconnecting");
    await become("live", { sid: "PA_2", attributes: {} });
    expect(setHand.mock.calls).toEqual([
      ["g_1_tab", true],
      ["g_1_tab", true],
    ]);
  });

  it("leaves a hand alone that was down, came along, or was lowered while the stay went on", async () => {
    const { me, setHand, become } = call();
    await become("reconnecting");
    await become("live", { sid: "PA_2" });
    me.attributes = { hand: "5" };
    await become("reconnecting");
    await become("live", { sid: "PA_3" });
    await become("reconnecting");
    await become("live", { attributes: {} });
    expect(setHand).not.toHaveBeenCalled();
  });

  it("does not forget a hand that is lost twice in a row, and gives up in the end", async () => {
    const { me, setHand, become } = call();
    me.attributes = { hand: "5" };
    const restore = setHand.getMockImplementation();
    setHand.mockImplementation(async () => {
      await become("reconnecting");
      throw new Error("lost");
    });
    await become("reconnecting");
    await become("live", { sid: "PA_2", attributes: {} });
    expect(setHand).toHaveBeenCalledTimes(1);
    if (restore) setHand.mockImplementation(restore);
    await become("live", { sid: "PA_3" });
    expect(setHand).toHaveBeenCalledTimes(2);
    me.attributes = { hand: "5" };
    setHand.mockRejectedValue(new Error("no"));
    await become("reconnecting");
    await become("live", { sid: "PA_4", attributes: {} });
    expect(setHand).toHaveBeenCalledTimes(7);
  });

  it("ends with the call", async () => {
    const { me, setHand, become, off } = call();
    me.attributes = { hand: "5" };
    await become("reconnecting");
    off();
    await become("live", { sid: "PA_2", attributes: {} });
    expect(setHand).not.toHaveBeenCalled();
  });
});
