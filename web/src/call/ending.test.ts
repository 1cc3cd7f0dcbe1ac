import { DisconnectReason } from "livekit-client";
import { describe, expect, it } from "vitest";
import { Problem } from "../api/problem";
import { endOf, endOfRetry } from "./ending";

describe("endOf", () => {
  it("ends the call where coming back would be wrong", () => {
    expect(endOf(DisconnectReason.CLIENT_INITIATED)).toBe("left");
    expect(endOf(DisconnectReason.DUPLICATE_IDENTITY)).toBe("duplicate");
    expect(endOf(DisconnectReason.PARTICIPANT_REMOVED)).toBe("removed");
    expect(endOf(DisconnectReason.ROOM_DELETED)).toBe("closed");
  });

  it("comes back after everything else", () => {
    for (const reason of [
      undefined,
      DisconnectReason.SERVER_SHUTDOWN,
      DisconnectReason.STATE_MISMATCH,
      DisconnectReason.SIGNAL_CLOSE,
      DisconnectReason.JOIN_FAILURE,
    ]) {
      expect(endOf(reason)).toBeUndefined();
    }
  });
});

describe("endOfRetry", () => {
  it("stops asking when the room is gone or closed to this person", () => {
    expect(endOfRetry(new Problem(404, "room_not_found", ""))).toBe("closed");
    expect(endOfRetry(new Problem(403, "forbidden", ""))).toBe("removed");
  });

  it("goes on while the server is away or busy", () => {
    expect(endOfRetry(Problem.away())).toBeUndefined();
    expect(endOfRetry(new Problem(503, "", ""))).toBeUndefined();
    expect(endOfRetry(new Problem(429, "", ""))).toBeUndefined();
    expect(endOfRetry(new Error("websocket"))).toBeUndefined();
  });
});
