// The messages of a conversation as this page knows them: what came, what is on its way, what was read. Values in, values
// out; no requests, no DOM.
import type { Message } from "../api/conversations";

/** A message of one's own that the server has not confirmed. */
export interface Pending {
  clientId: string;
  body: string;
  /** Why it was not sent, in words; undefined while it is on its way. */
  failed?: string;
}

export interface Thread {
  /** In order of their numbers, without gaps among themselves. */
  messages: readonly Message[];
  pending: readonly Pending[];
  /** Everything up to this number was read. */
  readSeq: number;
}

export const EMPTY: Thread = { messages: [], pending: [], readSeq: 0 };

export interface Me {
  kind: "user" | "guest";
  id: string;
}

/** Who an identity `u_{user}_{tab}` or `g_{guest}_{tab}` is as the sender of messages. */
export function senderOf(identity: string): Me | undefined {
  const [, letter, id] = /^([ug])_([^_]+)/.exec(identity) ?? [];
  return id ? { kind: letter === "u" ? "user" : "guest", id } : undefined;
}

export function isOwn(message: Message, me: Me | undefined): boolean {
  return me !== undefined && message.sender.kind === me.kind && message.sender.id === me.id;
}

/** Takes in messages, new or known, in any order; a later state of one replaces the former. */
export function take(thread: Thread, incoming: readonly Message[], me: Me | undefined): Thread {
  if (incoming.length === 0) return thread;
  const known = new Map(thread.messages.map((message) => [message.id, message]));
  for (const message of incoming) known.set(message.id, message);
  const messages = [...known.values()].sort((a, b) => a.seq - b.seq);
  const arrived = new Set(
    incoming.filter((message) => isOwn(message, me)).map((message) => message.client_id),
  );
  const pending = thread.pending.filter(({ clientId }) => !arrived.has(clientId));
  return { ...thread, messages, pending };
}

/** Somebody deleted a message: its place stays, its words go. */
export function erase(thread: Thread, id: string, at: string): Thread {
  const messages = thread.messages.map((message) =>
    message.id === id ? { ...message, body: "", files: [], deleted_at: at } : message,
  );
  return { ...thread, messages };
}

export function addPending(thread: Thread, pending: Pending): Thread {
  const others = thread.pending.filter(({ clientId }) => clientId !== pending.clientId);
  return { ...thread, pending: [...others, pending] };
}

export function dropPending(thread: Thread, clientId: string): Thread {
  return { ...thread, pending: thread.pending.filter((entry) => entry.clientId !== clientId) };
}

export function lastSeq(thread: Thread): number {
  return thread.messages.at(-1)?.seq ?? 0;
}

/** Marks everything up to `seq` as read; never takes that back. */
export function read(thread: Thread, seq: number): Thread {
  return seq > thread.readSeq ? { ...thread, readSeq: seq } : thread;
}

/** How many messages of others wait to be read, as far as this page knows them. */
export function unread(thread: Thread, me: Me | undefined): number {
  return thread.messages.filter(
    (message) => message.seq > thread.readSeq && !message.deleted_at && !isOwn(message, me),
  ).length;
}

/** Words of one person within this time stand under one name. */
const TOGETHER_MS = 5 * 60_000;

/** Whether `message` goes on what the same person said just before. */
export function goesOn(before: Message | undefined, message: Message): boolean {
  if (!before || before.sender.id !== message.sender.id) return false;
  const [from, to] = [new Date(before.created_at), new Date(message.created_at)];
  return to.getTime() - from.getTime() < TOGETHER_MS && from.toDateString() === to.toDateString();
}

/** Whether `message` is the first of its day on the reader's calendar. */
export function beginsDay(before: Message | undefined, message: Message): boolean {
  const day = new Date(message.created_at).toDateString();
  return before === undefined || new Date(before.created_at).toDateString() !== day;
}

const MOST_BYTES = 8_192;

/** Whether the server takes a message of this length. */
export function fits(body: string): boolean {
  return new TextEncoder().encode(body).length <= MOST_BYTES;
}
