// Reacts to devices that are plugged in or out during the call: goes on with another one, and says so.
import type { Room } from "livekit-client";
import { useEffect } from "react";
import { t } from "../i18n";
import { toast } from "../ui/announce";
import { lossOf, newIn } from "./device-change";

const KINDS: readonly MediaDeviceKind[] = ["audioinput", "audiooutput", "videoinput"];

async function list(): Promise<MediaDeviceInfo[]> {
  try {
    return await navigator.mediaDevices.enumerateDevices();
  } catch {
    return [];
  }
}

function use(room: Room, kind: MediaDeviceKind, deviceId: string): void {
  room.switchActiveDevice(kind, deviceId).catch(() => toast(t("call.device.failed")));
}

type InUse = Record<string, string | undefined>;

function react(
  room: Room,
  kind: MediaDeviceKind,
  before: MediaDeviceInfo[],
  after: MediaDeviceInfo[],
  inUse: InUse,
) {
  const loss = lossOf(before, after, kind, inUse[kind]);
  if (loss) {
    const device = loss.gone.label;
    if (loss.instead) {
      use(room, kind, loss.instead.deviceId);
      toast(t("call.device.gone", { device, other: loss.instead.label }));
    } else {
      toast(t("call.device.gone.none", { device }));
    }
  }
  for (const device of newIn(before, after, kind)) {
    toast(t("call.device.new", { device: device.label }), {
      label: t("call.device.use"),
      run: () => use(room, kind, device.deviceId),
    });
  }
}

export function useDeviceChanges(room: Room): void {
  useEffect(() => {
    const { mediaDevices } = navigator;
    // Absent on insecure pages, where one can only watch.
    if (!mediaDevices) return;
    let known: MediaDeviceInfo[] = [];
    void list().then((devices) => {
      known = devices;
    });
    const changed = async () => {
      // Read before anything is awaited: the SDK moves on to another device by itself, without a word.
      const inUse: InUse = {};
      for (const kind of KINDS) inUse[kind] = room.getActiveDevice(kind);
      const [before, after] = [known, await list()];
      known = after;
      for (const kind of KINDS) react(room, kind, before, after, inUse);
    };
    mediaDevices.addEventListener("devicechange", changed);
    return () => mediaDevices.removeEventListener("devicechange", changed);
  }, [room]);
}
