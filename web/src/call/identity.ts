// What an identity of the control plane says: `u_{user}_{tab}` or `g_{guest}_{tab}`, the tab being optional.

/** The user behind `identity`; undefined for guests and for identities that somebody else's server gave out. */
export function userOf(identity: string): string | undefined {
  return /^u_([^_]+)(?:_[a-z0-9]+)?$/.exec(identity)?.[1];
}

/** Whether one of `others` is another tab or device of the user behind `own`. */
export function isElsewhereToo(own: string, others: Iterable<string>): boolean {
  const user = userOf(own);
  if (user === undefined) return false;
  for (const other of others) {
    if (other !== own && userOf(other) === user) return true;
  }
  return false;
}

/** Up to two letters that stand for `name` where there is no picture. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0] ?? "";
  const last = words.length > 1 ? (words[words.length - 1] ?? "") : "";
  const letters = [first, last].map((word) => [...word][0] ?? "").join("");
  return letters.toLocaleUpperCase() || "?";
}

/** A hue in degrees that stays the same for `identity`. */
export function hueOf(identity: string): number {
  let hash = 7;
  for (const character of identity) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 3600;
  return hash % 360;
}
