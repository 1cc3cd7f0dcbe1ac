// The name of this tab towards the server (`client_id` of the join request): a reload keeps it, so that the server
// evicts the reloaded page's own ghost; a duplicated tab, which inherits sessionStorage, takes a new one. A Web Lock
// held for the life of the page tells the two cases apart.

const KEY = "plenum.tab";
const LENGTH = 16;
/** A reloading page may find the lock of its former self still held for a moment. */
const RELOAD_GRACE_MS = 600;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

/** 16 characters of a–z and 0–9, about 82 bits. */
export function newTabName(random: (length: number) => Uint8Array): string {
  let name = "";
  // 252 is the largest multiple of 36 in a byte: bytes above it would favour the first letters.
  while (name.length < LENGTH) {
    for (const byte of random(LENGTH)) {
      if (byte < 252 && name.length < LENGTH) name += ALPHABET[byte % ALPHABET.length];
    }
  }
  return name;
}

export function isTabName(name: string | null): name is string {
  return name !== null && /^[a-z0-9]{8,32}$/.test(name);
}

function fresh(): string {
  const name = newTabName((length) => crypto.getRandomValues(new Uint8Array(length)));
  try {
    sessionStorage.setItem(KEY, name);
  } catch {
    // Without storage a reload counts as a new tab; the call still works.
  }
  return name;
}

function hold(name: string, waitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const patience = AbortSignal.timeout(waitMs);
    navigator.locks
      .request(`plenum.tab.${name}`, { signal: patience }, () => {
        resolve(true);
        return new Promise<never>(() => {});
      })
      .catch(() => resolve(false));
  });
}

async function claim(): Promise<string> {
  let stored: string | null = null;
  try {
    stored = sessionStorage.getItem(KEY);
  } catch {
    // As above.
  }
  // Web Locks exist on secure pages only; without them nobody can tell a duplicate, and calls need a secure page anyway.
  if (!("locks" in navigator) || !navigator.locks) return isTabName(stored) ? stored : fresh();
  if (isTabName(stored) && (await hold(stored, RELOAD_GRACE_MS))) return stored;
  const name = fresh();
  await hold(name, RELOAD_GRACE_MS);
  return name;
}

let claimed: Promise<string> | undefined;

/** This tab's name; the same for the life of the page. */
export function tabName(): Promise<string> {
  claimed ??= claim();
  return claimed;
}
