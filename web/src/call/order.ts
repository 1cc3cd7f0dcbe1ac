// In which order people stand, and who is on the first page. Values in, values out; no SDK.

export interface Standing {
  key: string;
  isLocal: boolean;
  /** When they last spoke, in milliseconds since the epoch; 0 for never. */
  spokeAt: number;
}

/**
 * `entries` (in order of arrival) with those first who belong on a first page of `perPage`: oneself, then who spoke
 * last. Within the page the order of arrival stays, so that nobody jumps because somebody on the page speaks.
 */
export function firstPageFirst<T extends Standing>(entries: readonly T[], perPage: number): T[] {
  const own = entries.filter((entry) => entry.isLocal);
  const others = entries.filter((entry) => !entry.isLocal);
  if (entries.length <= perPage) return [...own, ...others];
  const bySpeech = [...others].sort((a, b) => b.spokeAt - a.spokeAt);
  const chosen = new Set(bySpeech.slice(0, Math.max(0, perPage - own.length)));
  const first = others.filter((entry) => chosen.has(entry));
  return [...own, ...first, ...others.filter((entry) => !chosen.has(entry))];
}
