// What guests got when they came, by the code of the room: who joins again from this tab, also after a reload, is the same
// guest, let in already and with the chat so far. In and out: sessionStorage, which ends with the tab, and memory where
// that is refused. A pass belongs to the tab that got it: a duplicated tab inherits the storage, but not the name of the
// tab, and its person is another guest. Never in an address, never in localStorage.
import { tabName } from "./tab";

export interface Pass {
  code: string;
  token: string;
  /** The name that was chosen with it. */
  name: string;
  /** Milliseconds since the epoch. */
  until: number;
}

const KEY = "plenum.guest";
/** The server's own default; one that ended earlier is refused by the server and forgotten then. */
const KEPT_MS = 24 * 3_600_000;
/** Rooms whose passes are kept, the latest. */
const MOST = 8;

let passes: Pass[] | undefined;

function isPass(value: unknown): value is Pass {
  const { code, token, name, until } = (value ?? {}) as Record<string, unknown>;
  const words = [code, token, name].every((word) => typeof word === "string");
  return words && typeof until === "number";
}

/** The well-formed passes in stored `text` that `tab` may still use at `now`. */
export function parsePasses(text: string | null, tab: string | undefined, now: number): Pass[] {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? "");
  } catch {
    return [];
  }
  const record = (stored ?? {}) as { tab?: unknown; passes?: unknown };
  if (!Array.isArray(record.passes) || (tab !== undefined && record.tab !== tab)) return [];
  return record.passes.filter(isPass).filter(({ until }) => until > now);
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

async function load(): Promise<Pass[]> {
  const tab = await tabName();
  if (passes) return passes;
  const found = parsePasses(stored(), tab, Date.now());
  // What is over, or another tab's, need not lie here.
  if (found.length === 0) await save(found);
  passes ??= found;
  return passes;
}

async function save(next: Pass[]): Promise<void> {
  passes = next;
  const tab = await tabName();
  try {
    if (passes.length === 0) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify({ tab, passes }));
  } catch {
    // Without storage a reload makes another guest; the call still works.
  }
}

/** The pass with which to come back into a room. */
export async function passOf(code: string): Promise<string | undefined> {
  const now = Date.now();
  return (await load()).find((pass) => pass.code === code && pass.until > now)?.token;
}

export async function keepPass(code: string, token: string, name: string): Promise<void> {
  const others = (await load()).filter((pass) => pass.code !== code);
  const until = Date.now() + KEPT_MS;
  await save([...others, { code, token, name, until }].slice(-MOST));
}

/** Forgets the pass of a room, or all of them. */
export async function forgetPass(code?: string): Promise<void> {
  await save(code === undefined ? [] : (await load()).filter((pass) => pass.code !== code));
}

/** The name that a guest chose in this tab for a room, to begin with. */
export function nameOfGuest(code: string): string | undefined {
  const known = passes ?? parsePasses(stored(), undefined, Date.now());
  return known.find((pass) => pass.code === code)?.name;
}
