import { describe, expect, it } from "vitest";
import type { Message } from "../api/conversations";
import * as thread from "./thread";

const ADA: thread.Me = { kind: "user", id: "ada" };
const said = (seq: number, id = "ben", more: Partial<Message> = {}): Message => ({
  id: `m${seq}`,
  seq,
  body: `words ${seq}`,
  client_id: `c${seq}`,
  conversation_id: "k",
  created_at: new Date(2026, 0, 5, 10, seq).toISOString(),
  files: [],
  sender: { id, kind: "user", name: id },
  ...more,
});
const seqs = ({ messages }: thread.Thread) => messages.map(({ seq }) => seq);

describe("senderOf", () => {
  it("reads who stands behind an identity", () => {
    expect(thread.senderOf("u_1-2_tab")).toEqual({ kind: "user", id: "1-2" });
    expect(thread.senderOf("g_1-2_tab")).toEqual({ kind: "guest", id: "1-2" });
    expect(thread.senderOf("somebody")).toBeUndefined();
  });
});

describe("take", () => {
  it("keeps order, whatever comes first, and none twice", () => {
    const once = thread.take(thread.EMPTY, [said(3), said(1)], ADA);
    expect(seqs(thread.take(once, [said(2), said(3)], ADA))).toEqual([1, 2, 3]);
  });

  it("replaces what was edited", () => {
    const before = thread.take(thread.EMPTY, [said(1)], ADA);
    const after = thread.take(before, [said(1, "ben", { body: "better" })], ADA);
    expect(after.messages[0]?.body).toBe("better");
  });

  it("ends the waiting of one's own message, not of another's with the same name for it", () => {
    const waiting = thread.addPending(thread.EMPTY, { clientId: "c1", body: "x" });
    expect(thread.take(waiting, [said(1, "ben")], ADA).pending).toHaveLength(1);
    expect(thread.take(waiting, [said(1, "ada")], ADA).pending).toHaveLength(0);
  });
});

describe("pending", () => {
  it("is replaced by a later state of the same, and dropped", () => {
    const once = thread.addPending(thread.EMPTY, { clientId: "a", body: "x" });
    const failed = thread.addPending(once, { clientId: "a", body: "x", failed: "no" });
    expect(failed.pending).toEqual([{ clientId: "a", body: "x", failed: "no" }]);
    expect(thread.dropPending(failed, "a").pending).toEqual([]);
  });
});

describe("unread", () => {
  it("counts others' words after what was read", () => {
    const all = thread.take(thread.EMPTY, [said(1), said(2, "ada"), said(3), said(4)], ADA);
    expect(thread.unread(all, ADA)).toBe(3);
    expect(thread.unread(thread.read(all, 3), ADA)).toBe(1);
    expect(thread.read(thread.read(all, 3), 1).readSeq).toBe(3);
    const gone = thread.erase(all, "m4", "2026-01-05T10:00:00Z");
    expect(thread.unread(thread.read(gone, 3), ADA)).toBe(0);
    expect(gone.messages[3]?.body).toBe("");
  });
});

describe("grouping", () => {
  it("keeps one person's words together for some minutes", () => {
    expect(thread.goesOn(said(1), said(2))).toBe(true);
    expect(thread.goesOn(said(1), said(2, "ada"))).toBe(false);
    expect(thread.goesOn(said(1), said(20))).toBe(false);
    expect(thread.goesOn(undefined, said(1))).toBe(false);
  });

  it("begins a day once", () => {
    const next = said(2, "ben", { created_at: new Date(2026, 0, 6, 0, 1).toISOString() });
    expect(thread.beginsDay(undefined, said(1))).toBe(true);
    expect(thread.beginsDay(said(1), said(2))).toBe(false);
    expect(thread.beginsDay(said(1), next)).toBe(true);
  });
});

it("measures length in bytes", () => {
  expect(thread.fits("x".repeat(8_192))).toBe(true);
  expect(thread.fits("ü".repeat(4_097))).toBe(false);
});
