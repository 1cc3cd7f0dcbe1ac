// The chat panel of the call: beside the stage, on a phone over everything. Each state has its own sentence.
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { t } from "../i18n";
import { Button, IconButton } from "../ui/button";
import type { Chat, ChatState } from "./chat";
import { Composer } from "./composer";
import { Messages } from "./messages";
import type { Me } from "./thread";
import "./chat.css";

interface ChatPanelProps {
  chat: Chat | undefined;
  state: ChatState;
  me: Me | undefined;
  onClose: () => void;
}

function Body({ chat, state, me }: Omit<ChatPanelProps, "onClose">) {
  if (!chat || state.phase === "loading") {
    return <div className="chat-empty skeleton" aria-hidden="true" />;
  }
  if (state.phase === "refused") return <p className="chat-empty quiet">{t("chat.refused")}</p>;
  if (state.phase === "failed") {
    return (
      <div className="chat-empty" role="alert">
        <p>{t("chat.loadFailed")}</p>
        <Button onClick={() => void chat.load()}>{t("action.retry")}</Button>
      </div>
    );
  }
  const empty = state.thread.messages.length === 0 && state.thread.pending.length === 0;
  return (
    <>
      {empty ? (
        <p className="chat-empty quiet">{t("chat.empty")}</p>
      ) : (
        <Messages chat={chat} state={state} me={me} />
      )}
      <Composer onSend={(body) => void chat.send(body)} />
    </>
  );
}

export function ChatPanel({ onClose, ...rest }: ChatPanelProps) {
  const panel = useRef<HTMLElement>(null);
  const ready = rest.state.phase === "ready";
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.querySelector("h2")?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  // Who opens the chat wants to write, once that is possible; on a touch screen the keyboard would hide what was said.
  useEffect(() => {
    if (!ready || window.matchMedia("(pointer: coarse)").matches) return;
    panel.current?.querySelector("textarea")?.focus();
  }, [ready]);
  return (
    <aside
      ref={panel}
      className="panel chat"
      aria-label={t("chat.title")}
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose();
      }}
    >
      <div className="panel-head">
        <h2 tabIndex={-1}>{t("chat.title")}</h2>
        <IconButton look="plain" label={t("chat.close")} onClick={onClose}>
          <X aria-hidden="true" />
        </IconButton>
      </div>
      <Body {...rest} />
    </aside>
  );
}
