// Who somebody is in a call, and what one may do to them. Values in, values out; the server decides again.

export type CallRole = "host" | "cohost" | "participant" | "guest";

const ROLES: readonly string[] = ["host", "cohost", "participant", "guest"];

/** The role in a participant's attributes; who has none there is a guest. */
export function roleOf(attributes: Readonly<Record<string, string>>): CallRole {
  const role = attributes.role ?? "";
  return ROLES.includes(role) ? (role as CallRole) : "guest";
}

/** Hosts and cohosts mute, remove, lock and let people in. */
export function leads(role: CallRole): boolean {
  return role === "host" || role === "cohost";
}

/** Who stands behind an identity `u_{user}_{tab}` or `g_{guest}_{tab}`: the same for all their tabs. */
export function subjectOf(identity: string): string {
  return /^([ug]_[^_]+)(?:_[a-z0-9]+)?$/.exec(identity)?.[1] ?? identity;
}

export interface Somebody {
  identity: string;
  role: CallRole;
}

export interface Rights {
  mute: boolean;
  lowerHand: boolean;
  remove: boolean;
  /** Removing may keep them out of the room, too. */
  ban: boolean;
  makeCohost: boolean;
  unmakeCohost: boolean;
}

/** What `own` may do to `other`. Removing reaches every tab of a person, so never one's own other tabs. */
export function rightsOver(own: Somebody, other: Somebody): Rights {
  const self = subjectOf(own.identity) === subjectOf(other.identity);
  const reaches = leads(own.role) && (own.role === "host" || other.role !== "host");
  const elsewhere = own.identity !== other.identity;
  return {
    mute: reaches && elsewhere,
    lowerHand: leads(own.role) && elsewhere,
    remove: reaches && !self,
    ban: reaches && !self && other.role !== "host",
    makeCohost: own.role === "host" && !self && other.role === "participant",
    unmakeCohost: own.role === "host" && !self && other.role === "cohost",
  };
}

/** Whether there is anything one may do at all. */
export function anyRight(rights: Rights): boolean {
  return Object.values(rights).some(Boolean);
}
