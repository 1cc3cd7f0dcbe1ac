// Short messages: seen as toasts, heard through a polite live region. `announce` says something to screen readers
// only; `toast` shows it too. At most `MOST_TOASTS` are on screen; the oldest makes room.
import { useSyncExternalStore } from "react";
import { t } from "../i18n";

interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

const MOST_TOASTS = 3;
const TOAST_MS = 6_000;
/** Room for the last few announcements; screen readers read additions, not the list. */
const MOST_SPOKEN = 5;

let toasts: readonly Toast[] = [];
let spoken: readonly { id: number; text: string }[] = [];
let last = 0;
const listeners = new Set<() => void>();

function changed(): void {
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function dismiss(id: number): void {
  toasts = toasts.filter((toast) => toast.id !== id);
  changed();
}

export function announce(text: string): void {
  last += 1;
  spoken = [...spoken, { id: last, text }].slice(-MOST_SPOKEN);
  changed();
}

/** Answers the way to take it off the screen before its time. */
export function toast(text: string, action?: Toast["action"]): () => void {
  announce(text);
  const id = last;
  toasts = [...toasts, { id, text, ...(action ? { action } : {}) }].slice(-MOST_TOASTS);
  changed();
  setTimeout(() => dismiss(id), action ? TOAST_MS * 2 : TOAST_MS);
  return () => dismiss(id);
}

/** The place where both appear; rendered once, outside of every page. */
export function Announcements() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  const heard = useSyncExternalStore(subscribe, () => spoken);
  return (
    <>
      <div className="sr-only" role="log" aria-live="polite" aria-relevant="additions">
        {heard.map((entry) => (
          <p key={entry.id}>{entry.text}</p>
        ))}
      </div>
      <div className="toasts">
        {shown.map((entry) => (
          <div key={entry.id} className="toast">
            <span>{entry.text}</span>
            {entry.action && (
              <button
                type="button"
                className="button"
                onClick={() => {
                  entry.action?.run();
                  dismiss(entry.id);
                }}
              >
                {entry.action.label}
              </button>
            )}
            {!entry.action && (
              <button type="button" className="sr-only" onClick={() => dismiss(entry.id)}>
                {t("action.dismiss")}
              </button>
            )}
          </div>
        ))}
      </div>
    </>
  );
}
