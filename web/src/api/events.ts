// The events socket: hears what happens on topics, comes back by itself, and goes on where it was. In: topics and who
// wants to hear. Out: events in order, and a word when something may have been missed and must be read anew. No DOM.
import { retryDelayMs } from "../state/retry";
import { api, orThrow } from "./client";
import { Problem } from "./problem";
import { withPass } from "./queries";

const LONGEST_PAUSE_MS = 15_000;
/** The socket is asked for a sign of life this often, and given up when there is none before the next time. */
const PING_MS = 25_000;

export interface ServerEvent {
  type: string;
  topic: string;
  id?: number;
  payload: unknown;
}

export interface Follower {
  event: (event: ServerEvent) => void;
  /** From now on events arrive; what was before must be read by REST. Comes again after a gap. */
  caughtUp: () => void;
  /** The topic is not, or no longer, one's own to hear. */
  refused?: () => void;
}

interface Frame {
  type?: unknown;
  topic?: unknown;
  id?: unknown;
  payload?: unknown;
  topics?: unknown;
  refused?: unknown;
  last_event_id?: unknown;
}

function parse(data: unknown): Frame {
  try {
    const frame: unknown = JSON.parse(String(data));
    return frame && typeof frame === "object" ? frame : {};
  } catch {
    return {};
  }
}

function names(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list.filter((entry): entry is string => typeof entry === "string");
}

function refusedTopics(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return names(list.map((entry: { topic?: unknown } | null) => entry?.topic));
}

/** Opens a socket; asks for a ticket first, since a guest's pass cannot ride on the request. */
async function open(pass: string | undefined): Promise<WebSocket> {
  const { ticket } = await orThrow(api.POST("/api/v1/auth/ws-ticket", withPass(pass)));
  const url = new URL(`/api/v1/events?ticket=${encodeURIComponent(ticket)}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(url);
}

export class Events {
  readonly #pass: () => string | undefined;
  readonly #open: typeof open;
  readonly #followers = new Map<string, Follower>();
  #socket: WebSocket | undefined;
  #lastId: number | undefined;
  #attempt = 0;
  #over = false;
  #heard = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pings: ReturnType<typeof setInterval> | undefined;

  constructor(pass: () => string | undefined, opener = open) {
    this.#pass = pass;
    this.#open = opener;
  }

  /** Connects on the first topic. One follower a topic. */
  follow(topic: string, follower: Follower): void {
    const first = this.#followers.size === 0;
    this.#followers.set(topic, follower);
    if (first) void this.#connect();
    else this.#send({ type: "subscribe", topics: [topic] });
  }

  close(): void {
    this.#over = true;
    clearTimeout(this.#timer);
    clearInterval(this.#pings);
    this.#followers.clear();
    this.#socket?.close();
  }

  async #connect(): Promise<void> {
    let socket: WebSocket;
    try {
      socket = await this.#open(this.#pass());
    } catch (error) {
      // Who has no session and no pass gets none by asking again.
      const refused = error instanceof Problem && (error.status === 401 || error.status === 403);
      if (refused) for (const follower of this.#followers.values()) follower.refused?.();
      else this.#later();
      return;
    }
    if (this.#over) {
      socket.close();
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      const topics = [...this.#followers.keys()];
      const resume = this.#lastId === undefined ? {} : { last_event_id: this.#lastId };
      this.#send({ type: "subscribe", topics, ...resume });
      this.#watch(socket);
    };
    socket.onmessage = (message) => {
      this.#heard = true;
      this.#take(parse(message.data));
    };
    socket.onclose = () => {
      clearInterval(this.#pings);
      if (this.#socket === socket) this.#socket = undefined;
      this.#later();
    };
  }

  #watch(socket: WebSocket): void {
    this.#heard = true;
    clearInterval(this.#pings);
    this.#pings = setInterval(() => {
      if (!this.#heard) {
        // Closing a dead connection properly takes long; the next one begins now.
        socket.onclose = null;
        socket.onmessage = null;
        socket.close();
        clearInterval(this.#pings);
        this.#socket = undefined;
        this.#later();
        return;
      }
      this.#heard = false;
      this.#send({ type: "ping" });
    }, PING_MS);
  }

  #later(): void {
    if (this.#over) return;
    clearTimeout(this.#timer);
    const pause = retryDelayMs(this.#attempt, Math.random(), LONGEST_PAUSE_MS);
    this.#attempt += 1;
    this.#timer = setTimeout(() => void this.#connect(), pause);
  }

  #take(frame: Frame): void {
    const at = typeof frame.last_event_id === "number" ? frame.last_event_id : undefined;
    if (frame.type === "subscribed") {
      this.#attempt = 0;
      // With an earlier id known, what was missed comes by itself, or a gap is told.
      const fresh = this.#lastId === undefined;
      if (fresh) this.#lastId = at;
      for (const topic of refusedTopics(frame.refused)) this.#followers.get(topic)?.refused?.();
      for (const topic of names(frame.topics)) this.#followers.get(topic)?.caughtUp();
    } else if (frame.type === "gap") {
      this.#lastId = at;
      for (const topic of names(frame.topics)) this.#followers.get(topic)?.caughtUp();
    } else if (frame.type === "unsubscribed") {
      for (const topic of names(frame.topics)) this.#followers.get(topic)?.refused?.();
    } else if (typeof frame.type === "string" && typeof frame.topic === "string") {
      if (typeof frame.id === "number") this.#lastId = frame.id;
      const { type, topic, payload } = frame;
      this.#followers.get(topic)?.event({ type, topic, payload });
    }
  }

  #send(frame: Record<string, unknown>): void {
    if (this.#socket?.readyState === 1) this.#socket.send(JSON.stringify(frame));
  }
}
