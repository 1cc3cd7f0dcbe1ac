// What changed when devices were plugged in or out. Two lists in, the few facts the call acts on out. No DOM.

export interface Device {
  deviceId: string;
  kind: string;
  label: string;
  groupId: string;
}

export interface Loss {
  gone: Device;
  /** What to use instead: the system's default if it has one, else the first that is left. */
  instead: Device | undefined;
}

/** Entries that only point to another device of the list. */
const ALIASES = new Set(["default", "communications", ""]);

function real(devices: readonly Device[], kind: string): Device[] {
  return devices.filter((device) => device.kind === kind && !ALIASES.has(device.deviceId));
}

/** The loss of the device `inUse` of `kind`, if it is not in the list any more. */
export function lossOf(
  before: readonly Device[],
  after: readonly Device[],
  kind: string,
  inUse: string | undefined,
): Loss | undefined {
  const gone = real(before, kind).find((device) => device.deviceId === inUse);
  if (!gone || real(after, kind).some((device) => device.deviceId === inUse)) return undefined;
  const fallback = after.find((device) => device.kind === kind && device.deviceId === "default");
  return { gone, instead: fallback ?? real(after, kind)[0] };
}

/** Devices of `kind` that were plugged in. */
export function newIn(before: readonly Device[], after: readonly Device[], kind: string): Device[] {
  const known = new Set(real(before, kind).map((device) => device.deviceId));
  // A list without any device of a kind may also mean "not allowed to know yet": nothing to announce.
  if (known.size === 0) return [];
  return real(after, kind).filter((device) => !known.has(device.deviceId) && device.label !== "");
}
