import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "../api/conversations";
import { Problem } from "../api/problem";

const api = vi.hoisted(() => ({
  getConversation: vi.fn(),
  listMessages: vi.fn(),
  listMessagesAfter: vi.fn(),
  sendMessage: vi.fn(),
  markRead: vi.fn(),
}));
vi.mock("../api/conversations", () => api);

import type { Events, Follower } from "../api/events";
import { Chat } from "./chat";

const said = (seq: number, who = "ben", more: Partial<Message> = {}): Message => ({
  id: `m${seq}`,
  seq,
  body: `words ${seq}`,
  client_id: `c${seq}`,
  conversation_id: "k",
  created_at: new Date(2026, 0, 5, 10, seq).toISOString(),
  files: [],
  sender: { id: who, kind: "user", name: who },
  ...more,
});

let follower: Follower;
const onNews = vi.fn();

async function opened(): Promise<Chat> {
  const follow = (_topic: string, given: Follower) => {
    follower = given;
  };
  const chat = new Chat({
    events: { follow } as unknown as Events,
    pass: () => undefined,
    me: () => ({ kind: "user", id: "ada" }),
    say: (error) => (error as Problem).code,
    onNews,
  });
  chat.open("k");
  await vi.advanceTimersByTimeAsync(0);
  return chat;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  api.getConversation.mockResolvedValue({ last_seq: 3, last_read_seq: 1 });
  api.listMessages.mockResolvedValue({ items: [said(3), said(2)], next_cursor: "older" });
  api.listMessagesAfter.mockResolvedValue({ items: [], next_cursor: null });
  api.markRead.mockResolvedValue({});
});

afterEach(() => {
  vi.useRealTimers();
});

const seqs = (chat: Chat) => chat.state.thread.messages.map(({ seq }) => seq);

describe("history", () => {
  it("shows the newest page, what of it is unread, and older pages above", async () => {
    const chat = await opened();
    expect(chat.state.phase).toBe("ready");
    expect([seqs(chat), chat.unread]).toEqual([[2, 3], 2]);
    api.listMessages.mockResolvedValue({ items: [said(1)], next_cursor: null });
    await chat.loadOlder();
    expect(api.listMessages).toHaveBeenLastCalledWith("k", "older", undefined);
    expect([seqs(chat), chat.state.older]).toEqual([[1, 2, 3], "none"]);
  });

  it("tells refused and failed apart", async () => {
    api.getConversation.mockRejectedValue(new Problem(404, "conversation_not_found", ""));
    expect((await opened()).state.phase).toBe("refused");
    api.getConversation.mockRejectedValue(Problem.away());
    expect((await opened()).state.phase).toBe("failed");
  });

  it("reads what was missed, after a gap and when events began before history was there", async () => {
    api.listMessagesAfter.mockResolvedValue({ items: [said(4)], next_cursor: null });
    const early = opened();
    follower.caughtUp();
    const chat = await early;
    await vi.advanceTimersByTimeAsync(0);
    expect(seqs(chat)).toEqual([2, 3, 4]);
    api.listMessagesAfter.mockResolvedValue({ items: [said(5)], next_cursor: null });
    follower.caughtUp();
    await vi.advanceTimersByTimeAsync(0);
    expect(api.listMessagesAfter).toHaveBeenLastCalledWith("k", 4, undefined);
    expect(seqs(chat)).toEqual([2, 3, 4, 5]);
  });
});

describe("live", () => {
  const tell = (type: string, payload: unknown) => follower.event({ type, topic: "", payload });

  it("takes in what others say and tells of it once", async () => {
    const chat = await opened();
    tell("message.created", said(4));
    tell("message.created", said(4));
    tell("message.created", said(5, "ada"));
    expect(seqs(chat)).toEqual([2, 3, 4, 5]);
    expect(onNews).toHaveBeenCalledTimes(1);
    tell("message.updated", said(4, "ben", { body: "better" }));
    tell("message.deleted", { id: "m5", deleted_at: "2026-01-05T11:00:00Z" });
    expect(chat.state.thread.messages.map(({ body }) => body)).toEqual([
      "words 2",
      "words 3",
      "better",
      "",
    ]);
  });

  it("marks as read once, and hears of it from one's own other tab only", async () => {
    const chat = await opened();
    tell("conversation.read", { user_id: "ben", last_read_seq: 3 });
    expect(chat.unread).toBe(2);
    tell("conversation.read", { user_id: "ada", last_read_seq: 2 });
    expect(chat.unread).toBe(1);
    chat.markRead();
    chat.markRead();
    expect(chat.unread).toBe(0);
    expect(api.markRead.mock.calls).toEqual([["k", 3]]);
  });
});

describe("sending", () => {
  it("shows at once, and stays once when answer and event both come", async () => {
    const chat = await opened();
    api.sendMessage.mockImplementation(async (_id, body, clientId) =>
      said(4, "ada", { body, client_id: clientId }),
    );
    const sending = chat.send("hello");
    expect(chat.state.thread.pending.map(({ body }) => body)).toEqual(["hello"]);
    await sending;
    expect([seqs(chat), chat.state.thread.pending]).toEqual([[2, 3, 4], []]);
  });

  it("tries again under the same name while the server is away, then says why not", async () => {
    const chat = await opened();
    api.sendMessage.mockRejectedValue(Problem.away());
    void chat.send("hello");
    await vi.advanceTimersByTimeAsync(10_000);
    const [first] = chat.state.thread.pending;
    expect(first).toMatchObject({ body: "hello", failed: "server_away" });
    const names = new Set(api.sendMessage.mock.calls.map(([, , clientId]) => clientId));
    expect([api.sendMessage.mock.calls.length, names.size]).toEqual([4, 1]);
    api.sendMessage.mockResolvedValue(said(4, "ada", { client_id: first?.clientId ?? "" }));
    await chat.send("hello", first?.clientId);
    expect(names.has(api.sendMessage.mock.calls.at(-1)?.[2])).toBe(true);
    expect(chat.state.thread.pending).toEqual([]);
  });

  it("asks once when the server refuses", async () => {
    const chat = await opened();
    api.sendMessage.mockRejectedValue(new Problem(403, "forbidden", ""));
    await chat.send("hello");
    expect(api.sendMessage).toHaveBeenCalledTimes(1);
    expect(chat.state.thread.pending[0]?.failed).toBe("forbidden");
    chat.discard(chat.state.thread.pending[0]?.clientId ?? "");
    expect(chat.state.thread.pending).toEqual([]);
  });
});
