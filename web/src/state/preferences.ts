// What a person chose once and expects to find again: devices, microphone and camera on or off, view, name as a
// guest. In and out: localStorage. Must not hold anything secret; works (forgetfully) where storage is refused.

export interface Preferences {
  audio: boolean;
  video: boolean;
  audioDevice: string;
  videoDevice: string;
  speakerDevice: string;
  guestName: string;
  view: "grid" | "speaker";
  shortcuts: boolean;
}

const KEY = "plenum.preferences";
const DEFAULTS: Preferences = {
  audio: true,
  video: true,
  audioDevice: "",
  videoDevice: "",
  speakerDevice: "",
  guestName: "",
  view: "grid",
  shortcuts: true,
};

/** Merges stored JSON over the defaults, dropping fields of a wrong type. */
export function parsePreferences(text: string | null): Preferences {
  let stored: unknown;
  try {
    stored = text ? JSON.parse(text) : {};
  } catch {
    stored = {};
  }
  const result: Record<string, unknown> = { ...DEFAULTS };
  if (stored && typeof stored === "object") {
    for (const [key, value] of Object.entries(stored)) {
      if (key in result && typeof value === typeof result[key]) result[key] = value;
    }
  }
  if (result.view !== "speaker") result.view = "grid";
  return result as unknown as Preferences;
}

export function loadPreferences(): Preferences {
  try {
    return parsePreferences(localStorage.getItem(KEY));
  } catch {
    return { ...DEFAULTS };
  }
}

export function savePreferences(change: Partial<Preferences>): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...loadPreferences(), ...change }));
  } catch {
    // Storage is full or refused (private window): the choice holds for this page only.
  }
}

/** Capture height in pixels: 720 unless `?video=360p` (or the stored setting `plenum.video`) asks for less. */
export function captureHeight(): 360 | 720 {
  let wish = new URLSearchParams(location.search).get("video");
  try {
    wish ??= localStorage.getItem("plenum.video");
  } catch {
    // Without storage the address alone decides.
  }
  return wish === "360p" ? 360 : 720;
}
