import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "./problem";

vi.mock("./client", () => ({ api: {}, orThrow: vi.fn() }));
vi.mock("./queries", () => ({ withPass: () => ({}) }));

import { Events, type ServerEvent } from "./events";

/** A socket in the hands of the test. */
class Socket {
  readyState = 0;
  sent: Record<string, unknown>[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string) {
    this.sent.push(JSON.parse(text));
  }
  accept() {
    this.readyState = 1;
    this.onopen?.();
  }
  say(frame: object) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  close() {
    this.readyState = 3;
    this.onclose?.();
  }
}

const TOPIC = "conversation:1";
let sockets: Socket[];
let events: Events;
const follower = {
  event: vi.fn<(event: ServerEvent) => void>(),
  caughtUp: vi.fn<() => void>(),
  refused: vi.fn<() => void>(),
};
const opener = vi.fn();

beforeEach(async () => {
  vi.useFakeTimers();
  sockets = [];
  opener.mockReset().mockImplementation(async () => {
    const socket = new Socket();
    sockets.push(socket);
    return socket;
  });
  for (const told of Object.values(follower)) told.mockReset();
  events = new Events(() => "pass", opener);
  events.follow(TOPIC, follower);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  events.close();
  vi.useRealTimers();
});

const socket = (number: number) => sockets[number] as Socket;
const subscribed = { type: "subscribed", topics: [TOPIC], refused: [], last_event_id: 10 };

describe("the events socket", () => {
  it("asks with the guest's pass, subscribes and hands events on", () => {
    expect(opener).toHaveBeenCalledWith("pass");
    socket(0).accept();
    expect(socket(0).sent).toEqual([{ type: "subscribe", topics: [TOPIC] }]);
    socket(0).say(subscribed);
    expect(follower.caughtUp).toHaveBeenCalledTimes(1);
    socket(0).say({ type: "message.created", topic: TOPIC, id: 11, payload: { a: 1 } });
    expect(follower.event).toHaveBeenCalledWith({
      type: "message.created",
      topic: TOPIC,
      payload: { a: 1 },
    });
    socket(0).say({ type: "message.created", topic: "elsewhere", id: 12, payload: {} });
    expect(follower.event).toHaveBeenCalledTimes(1);
  });

  it("comes back and goes on after the last event", async () => {
    socket(0).accept();
    socket(0).say(subscribed);
    socket(0).say({ type: "message.created", topic: TOPIC, id: 17, payload: {} });
    socket(0).close();
    await vi.advanceTimersByTimeAsync(1_000);
    socket(1).accept();
    expect(socket(1).sent[0]).toMatchObject({ type: "subscribe", last_event_id: 17 });
    socket(1).say({ ...subscribed, last_event_id: 30 });
    socket(1).say({ type: "gap", topics: [TOPIC], last_event_id: 40 });
    socket(1).close();
    await vi.advanceTimersByTimeAsync(1_000);
    socket(2).accept();
    expect(socket(2).sent[0]).toMatchObject({ last_event_id: 40 });
    expect(follower.caughtUp).toHaveBeenCalledTimes(3);
  });

  it("gives up a connection that shows no sign of life", async () => {
    socket(0).accept();
    socket(0).say(subscribed);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(socket(0).sent.at(-1)).toEqual({ type: "ping" });
    socket(0).say({ type: "pong" });
    await vi.advanceTimersByTimeAsync(25_000);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(26_000);
    expect(sockets).toHaveLength(2);
    expect(socket(0).readyState).toBe(3);
  });

  it("says what is refused, and does not ask again without a session", async () => {
    socket(0).accept();
    socket(0).say({ ...subscribed, topics: [], refused: [{ topic: TOPIC, code: "x" }] });
    expect(follower.refused).toHaveBeenCalledTimes(1);
    opener.mockRejectedValue(new Problem(401, "sign_in_required", ""));
    socket(0).close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opener).toHaveBeenCalledTimes(2);
    expect(follower.refused).toHaveBeenCalledTimes(2);
  });

  it("tries again while the server is away, and is quiet once closed", async () => {
    opener.mockRejectedValue(Problem.away());
    socket(0).close();
    await vi.advanceTimersByTimeAsync(60_000);
    const tries = opener.mock.calls.length;
    expect(tries).toBeGreaterThan(4);
    events.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opener).toHaveBeenCalledTimes(tries);
  });

  it("lets nonsense pass", () => {
    socket(0).accept();
    for (const data of ["", "null", "[]", '{"type":1}', '{"type":"subscribed","topics":[null]}']) {
      socket(0).onmessage?.({ data });
    }
    expect(follower.event).not.toHaveBeenCalled();
  });
});
