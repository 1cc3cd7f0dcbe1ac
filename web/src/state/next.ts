// Where to go after signing in: the address in `?next=`, if it is one of this app's own pages.

/** `wish` when it is a path on this origin, else `otherwise`. "//host" and "/\host" would lead elsewhere. */
export function safeNext(wish: string | null, otherwise = "/rooms"): string {
  return wish && /^\/(?![/\\])/.test(wish) ? wish : otherwise;
}
