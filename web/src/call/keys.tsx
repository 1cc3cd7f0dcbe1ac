// Keyboard shortcuts: one letter each, never while typing, and they can be turned off (WCAG 2.1.4). The list of them
// is a dialog behind "?".
import { useEffect, useRef, useState } from "react";
import { type MessageKey, t } from "../i18n";
import { loadPreferences, savePreferences } from "../state/preferences";
import { Button } from "../ui/button";
import { Dialog } from "../ui/dialog";
import type { CallUi } from "./call";
import type { CallControls } from "./controls";
import { toggleFullScreen } from "./full-screen";

export const KEYS = {
  mute: "M",
  camera: "V",
  share: "S",
  hand: "H",
  people: "P",
  chat: "C",
  layout: "L",
  fullscreen: "F",
  help: "?",
} as const;

const TYPING = "input, textarea, select, [contenteditable='true']";
const PRESSABLE = "button, a, summary, [role='menuitem'], [role='menuitemradio']";

function isFor(event: KeyboardEvent, selector: string): boolean {
  return event.target instanceof Element && event.target.closest(selector) !== null;
}

function useLatest<T>(value: T) {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}

function press(key: string, controls: CallControls, ui: CallUi): boolean {
  switch (key.toUpperCase()) {
    case KEYS.mute:
      controls.toggleMicrophone();
      return true;
    case KEYS.camera:
      controls.toggleCamera();
      return true;
    case KEYS.share:
      controls.share();
      return true;
    case KEYS.hand:
      controls.toggleHand();
      return true;
    case KEYS.people:
      ui.toggle("people");
      return true;
    case KEYS.chat:
      ui.toggle("chat");
      return true;
    case KEYS.layout:
      ui.setView(ui.view === "grid" ? "speaker" : "grid");
      return true;
    case KEYS.fullscreen:
      void toggleFullScreen();
      return true;
    case KEYS.help:
      ui.setKeys(true);
      return true;
    default:
      return false;
  }
}

export function useKeys(controls: CallControls, ui: CallUi) {
  const [enabled, setEnabled] = useState(() => loadPreferences().shortcuts);
  const [talking, setTalking] = useState(false);
  const latest = useLatest({ controls, ui, enabled, talking });

  useEffect(() => {
    const stopTalking = () => {
      if (!latest.current.talking) return;
      setTalking(false);
      latest.current.controls.talk(false);
    };
    const down = (event: KeyboardEvent) => {
      const now = latest.current;
      if (!now.enabled || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isFor(event, TYPING) || isFor(event, "[role='dialog'], [role='menu']")) return;
      if (event.key === " ") {
        // On a focused button the space bar presses it.
        if (isFor(event, PRESSABLE) || now.controls.microphone) return;
        event.preventDefault();
        setTalking(true);
        now.controls.talk(true);
      } else if (press(event.key, now.controls, now.ui)) {
        event.preventDefault();
      }
    };
    const up = (event: KeyboardEvent) => {
      if (event.key === " ") stopTalking();
    };
    window.addEventListener("keydown", down);
    window.addEventListener("keyup", up);
    window.addEventListener("blur", stopTalking);
    return () => {
      window.removeEventListener("keydown", down);
      window.removeEventListener("keyup", up);
      window.removeEventListener("blur", stopTalking);
    };
  }, [latest]);

  return {
    talking,
    enabled,
    setEnabled: (on: boolean) => {
      setEnabled(on);
      savePreferences({ shortcuts: on });
    },
  };
}

const LIST: [keyof typeof KEYS | "talk", MessageKey][] = [
  ["mute", "keys.mute"],
  ["camera", "keys.camera"],
  ["share", "keys.share"],
  ["hand", "keys.hand"],
  ["people", "keys.people"],
  ["chat", "keys.chat"],
  ["layout", "keys.layout"],
  ["fullscreen", "keys.fullscreen"],
  ["talk", "keys.talk"],
  ["help", "keys.help"],
];

interface KeysDialogProps {
  open: boolean;
  onClose: () => void;
  enabled: boolean;
  onEnable: (on: boolean) => void;
}

export function KeysDialog({ open, onClose, enabled, onEnable }: KeysDialogProps) {
  return (
    <Dialog open={open} onClose={onClose} title={t("keys.title")}>
      <dl className="keys">
        {LIST.map(([key, words]) => (
          <div key={key}>
            <dt>
              <kbd>{key === "talk" ? t("keys.space") : KEYS[key]}</kbd>
            </dt>
            <dd>{t(words)}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={enabled}
          onChange={(event) => onEnable(event.target.checked)}
        />
        {t("keys.enabled")}
      </label>
      <div className="dialog-actions">
        <Button look="primary" onClick={onClose}>
          {t("action.close")}
        </Button>
      </div>
    </Dialog>
  );
}
