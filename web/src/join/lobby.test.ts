import { beforeEach, expect, test, vi } from "vitest";
import { Problem } from "../api/problem";

const calls = vi.hoisted(() => ({ enterLobby: vi.fn(), askLobby: vi.fn(), leaveLobby: vi.fn() }));
vi.mock("../api/queries", () => calls);

import { waitInLobby } from "./lobby";

const kept = vi.fn();
const waiting = () => ({
  code: "bcdfghjklm",
  displayName: "Gus",
  pass: undefined,
  keep: kept,
  signal: new AbortController().signal,
});

beforeEach(() => {
  vi.resetAllMocks();
  vi.useRealTimers();
});

test("a guest is let in with the pass of the first answer", async () => {
  calls.enterLobby.mockResolvedValue({ id: "e1", status: "waiting", guest: { access_token: "p" } });
  calls.askLobby
    .mockResolvedValueOnce({ id: "e1", status: "waiting" })
    .mockResolvedValue({ id: "e1", status: "accepted" });
  expect(await waitInLobby(waiting())).toEqual({ admitted: true, pass: "p" });
  expect(calls.enterLobby).toHaveBeenCalledWith("bcdfghjklm", { display_name: "Gus" }, undefined);
  expect(calls.askLobby).toHaveBeenLastCalledWith("bcdfghjklm", "e1", 10, "p");
  expect(kept).toHaveBeenCalledWith("p");
});

test("a refusal ends the waiting", async () => {
  calls.enterLobby.mockResolvedValue({ id: "e1", status: "denied" });
  expect(await waitInLobby(waiting())).toEqual({ admitted: false, pass: undefined });
});

test("silence passes, and a forgotten entry is made anew", async () => {
  vi.useFakeTimers();
  calls.enterLobby.mockResolvedValue({ id: "e1", status: "waiting" });
  calls.askLobby
    .mockRejectedValueOnce(Problem.away())
    .mockRejectedValueOnce(new Problem(404, "lobby_entry_not_found", ""))
    .mockResolvedValue({ id: "e1", status: "accepted" });
  const decision = waitInLobby(waiting());
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await decision).toEqual({ admitted: true, pass: undefined });
  expect(calls.enterLobby).toHaveBeenCalledTimes(2);
});

test("what the server refuses is thrown", async () => {
  calls.enterLobby.mockRejectedValue(new Problem(403, "banned", ""));
  await expect(waitInLobby(waiting())).rejects.toMatchObject({ code: "banned" });
});

test("who gives up leaves the lobby", async () => {
  const giveUp = new AbortController();
  calls.enterLobby.mockImplementation(async () => {
    giveUp.abort();
    return { id: "e1", status: "waiting", guest: { access_token: "p" } };
  });
  calls.leaveLobby.mockResolvedValue(undefined);
  expect(await waitInLobby({ ...waiting(), signal: giveUp.signal })).toBeUndefined();
  expect(calls.leaveLobby).toHaveBeenCalledWith("bcdfghjklm", "e1", "p");
});
