// One person's chat in one conversation, without any React: history, live messages, sending with retry, what was read.
// In: the API and the events socket. Out: a state that listeners read. Must not know how anything looks.

import type { Message } from "../api/conversations";
import * as conversations from "../api/conversations";
import type { Events, ServerEvent } from "../api/events";
import { Problem } from "../api/problem";
import { retryDelayMs } from "../state/retry";
import { newTabName } from "../state/tab";
import * as thread from "./thread";

/** Tries of one sending before the person is asked; the server takes each `client_id` once only. */
const MOST_TRIES = 4;
/** Pages read to catch up; after longer absences the newest page is enough, the rest is history. */
const MOST_CATCH_UP = 5;

export type Phase = "loading" | "ready" | "failed" | "refused";

export interface ChatState {
  phase: Phase;
  thread: thread.Thread;
  /** Whether there is more before the first message, and whether it is being fetched. */
  older: "none" | "more" | "loading" | "failed";
}

export const BEFORE: ChatState = { phase: "loading", thread: thread.EMPTY, older: "none" };

interface ChatOptions {
  events: Events;
  pass: () => string | undefined;
  me: () => thread.Me | undefined;
  /** Words for why a message was not sent. */
  say: (error: unknown) => string;
  /** Somebody else said something just now. */
  onNews: (message: Message) => void;
}

/** What the sender calls a message; works on pages without a secure address, too. */
function newName(): string {
  return newTabName((length) => crypto.getRandomValues(new Uint8Array(length)));
}

/** Silence and trouble on the server may pass by themselves; a refusal will not. */
function mayPass(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status >= 500);
}

export class Chat {
  state: ChatState = BEFORE;

  readonly #options: ChatOptions;
  readonly #listeners = new Set<() => void>();
  #id = "";
  #cursor: string | undefined;
  #over = false;
  /** Events began while history was still being read. */
  #behind = false;
  /** Read until here, as the server knows. */
  #told = 0;

  constructor(options: ChatOptions) {
    this.#options = options;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Begins with the conversation `id`; a second time does nothing. */
  open(id: string): void {
    if (this.#id || this.#over) return;
    this.#id = id;
    void this.load();
    this.#options.events.follow(`conversation:${id}`, {
      event: (event) => this.#onEvent(event),
      caughtUp: () => void this.#catchUp(),
      refused: () => this.#set({ phase: "refused" }),
    });
  }

  close(): void {
    this.#over = true;
    this.#listeners.clear();
  }

  /** Reads the newest messages; also after a failure. */
  async load(): Promise<void> {
    this.#set({ phase: "loading" });
    try {
      const [about, page] = await Promise.all([
        conversations.getConversation(this.#id, this.#pass),
        conversations.listMessages(this.#id, undefined, this.#pass),
      ]);
      this.#cursor = page.next_cursor ?? undefined;
      const isGuest = this.#options.me()?.kind === "guest";
      // Guests have no read marker: what is there when they come is no news.
      this.#told = isGuest ? about.last_seq : about.last_read_seq;
      this.#take(page.items);
      this.#set({
        phase: "ready",
        thread: thread.read(this.state.thread, this.#told),
        older: this.#cursor ? "more" : "none",
      });
      if (this.#behind) void this.#catchUp();
    } catch (error) {
      const refused = error instanceof Problem && [401, 403, 404].includes(error.status);
      this.#set({ phase: refused ? "refused" : "failed" });
    }
  }

  async loadOlder(): Promise<void> {
    if (this.state.older !== "more" && this.state.older !== "failed") return;
    this.#set({ older: "loading" });
    try {
      const page = await conversations.listMessages(this.#id, this.#cursor, this.#pass);
      this.#cursor = page.next_cursor ?? undefined;
      this.#take(page.items);
      this.#set({ older: this.#cursor ? "more" : "none" });
    } catch {
      this.#set({ older: "failed" });
    }
  }

  /** Sends `body`, or tries again under the same name. It shows at once. */
  async send(body: string, clientId: string = newName()): Promise<void> {
    this.#thread(thread.addPending(this.state.thread, { clientId, body }));
    for (let attempt = 0; ; attempt += 1) {
      try {
        const sent = await conversations.sendMessage(this.#id, body, clientId, this.#pass);
        this.#take([sent]);
        this.#thread(thread.dropPending(this.state.thread, clientId));
        return;
      } catch (error) {
        if (this.#over) return;
        if (!mayPass(error) || attempt + 1 >= MOST_TRIES) {
          const failed = this.#options.say(error);
          this.#thread(thread.addPending(this.state.thread, { clientId, body, failed }));
          return;
        }
      }
      const pause = retryDelayMs(attempt, Math.random());
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }

  /** Forgets a message that could not be sent. */
  discard(clientId: string): void {
    this.#thread(thread.dropPending(this.state.thread, clientId));
  }

  /** Everything there is now was seen. */
  markRead(): void {
    const seq = thread.lastSeq(this.state.thread);
    this.#thread(thread.read(this.state.thread, seq));
    if (seq <= this.#told || this.#options.me()?.kind !== "user") return;
    this.#told = seq;
    // A marker that is lost is told with the next one.
    conversations.markRead(this.#id, seq).catch(() => undefined);
  }

  /** How many messages wait to be read. */
  get unread(): number {
    return this.state.phase === "ready" ? thread.unread(this.state.thread, this.#options.me()) : 0;
  }

  get #pass(): string | undefined {
    return this.#options.pass();
  }

  #onEvent({ type, payload }: ServerEvent): void {
    if (!payload || typeof payload !== "object") return;
    if (type === "message.created") this.#onMessage(payload as Message);
    else if (type === "message.updated") this.#take([payload as Message]);
    else if (type === "message.deleted") {
      const { id, deleted_at: at } = payload as { id: string; deleted_at: string };
      this.#thread(thread.erase(this.state.thread, id, at));
    } else if (type === "conversation.read") {
      // One's own other tab has read it.
      const { user_id: user, last_read_seq: seq } = payload as {
        user_id: string;
        last_read_seq: number;
      };
      const me = this.#options.me();
      if (me?.kind === "user" && me.id === user) {
        this.#thread(thread.read(this.state.thread, seq));
      }
    }
  }

  #onMessage(message: Message): void {
    const known = this.state.thread.messages.some(({ id }) => id === message.id);
    this.#take([message]);
    if (!known && !thread.isOwn(message, this.#options.me())) this.#options.onNews(message);
  }

  // Between the last message known and the first event there may have been others.
  async #catchUp(): Promise<void> {
    if (this.state.phase === "loading") this.#behind = true;
    if (this.state.phase === "failed" || this.state.phase === "refused") await this.load();
    if (this.state.phase !== "ready") return;
    this.#behind = false;
    try {
      for (let page = 0; page < MOST_CATCH_UP; page += 1) {
        const after = thread.lastSeq(this.state.thread);
        const { items, next_cursor: more } = await conversations.listMessagesAfter(
          this.#id,
          after,
          this.#pass,
        );
        this.#take(items);
        if (!more) return;
      }
      this.#set({ thread: { ...this.state.thread, messages: [] } });
      await this.load();
    } catch {
      // The next reconnect tries again; so does whoever sends something.
    }
  }

  #take(incoming: readonly Message[]): void {
    this.#thread(thread.take(this.state.thread, incoming, this.#options.me()));
  }

  #thread(next: thread.Thread): void {
    if (next !== this.state.thread) this.#set({ thread: next });
  }

  #set(change: Partial<ChatState>): void {
    if (this.#over) return;
    this.state = { ...this.state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
