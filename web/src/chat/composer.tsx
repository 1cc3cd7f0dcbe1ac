// Where one writes: Enter sends, Shift and Enter begin a new line; on a touch screen Enter is a new line and the button
// sends. In: what to do with the words. Empty words are not sent, too long ones are refused here.
import { SendHorizontal } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { t } from "../i18n";
import { IconButton } from "../ui/button";
import { fits } from "./thread";

/** What was written and not sent outlives the panel, for as long as the page. */
let draft = "";

function sendsByEnter(): boolean {
  return !window.matchMedia("(pointer: coarse)").matches;
}

export function Composer({ onSend }: { onSend: (body: string) => void }) {
  const [body, setBody] = useState(draft);
  const field = useRef<HTMLTextAreaElement>(null);
  const id = useId();
  const tooLong = !fits(body);
  const write = (text: string) => {
    draft = text;
    setBody(text);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the words.
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight + 2}px`;
  }, [body]);
  const send = () => {
    const words = body.trim();
    if (!words || tooLong) return;
    onSend(words);
    write("");
    field.current?.focus();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };
  const keyDown = (event: KeyboardEvent) => {
    const composing = event.nativeEvent.isComposing;
    if (event.key !== "Enter" || event.shiftKey || composing || !sendsByEnter()) return;
    event.preventDefault();
    send();
  };
  return (
    <form className="chat-composer" onSubmit={submit}>
      {tooLong && (
        <p id={`${id}-long`} className="field-error" role="alert">
          {t("chat.tooLong")}
        </p>
      )}
      <div className="chat-write">
        <textarea
          ref={field}
          className="input"
          rows={1}
          aria-label={t("chat.write")}
          placeholder={t("chat.write")}
          aria-invalid={tooLong || undefined}
          aria-describedby={tooLong ? `${id}-long` : undefined}
          value={body}
          onChange={(event) => write(event.target.value)}
          onKeyDown={keyDown}
        />
        <IconButton
          type="submit"
          look="primary"
          label={t("chat.send")}
          aria-disabled={!body.trim()}
        >
          <SendHorizontal size={20} aria-hidden="true" />
        </IconButton>
      </div>
    </form>
  );
}
