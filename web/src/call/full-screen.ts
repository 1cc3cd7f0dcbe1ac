// Full screen of the whole call, where the browser has it (iPhones do not).
import { useSyncExternalStore } from "react";

export function canFullScreen(): boolean {
  return document.fullscreenEnabled === true;
}

export async function toggleFullScreen(): Promise<void> {
  if (!canFullScreen()) return;
  try {
    if (document.fullscreenElement) await document.exitFullscreen();
    else await document.documentElement.requestFullscreen();
  } catch {
    // Refused by the browser: the call goes on in its window.
  }
}

function subscribe(listener: () => void): () => void {
  document.addEventListener("fullscreenchange", listener);
  return () => document.removeEventListener("fullscreenchange", listener);
}

export function useIsFullScreen(): boolean {
  return useSyncExternalStore(subscribe, () => document.fullscreenElement !== null);
}
