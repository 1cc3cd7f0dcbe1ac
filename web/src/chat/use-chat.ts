// The chat of a call as React state: begins with the call, tells of news while the panel is closed, marks as read while it
// is open. The events socket also says when the call was locked.
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Message } from "../api/conversations";
import { Events } from "../api/events";
import { sayProblem } from "../api/words";
import { lockKey } from "../call/lock";
import type { CallSession } from "../call/session";
import { t } from "../i18n";
import { announce, toast } from "../ui/announce";
import { BEFORE, Chat, type ChatState } from "./chat";
import { senderOf } from "./thread";

const NEWS_LENGTH = 80;

/** What a message says, short enough for a glance. */
function inShort({ sender, body, files }: Message): string {
  const text = body || files.map(({ name }) => name).join(", ");
  const letters = [...text.replace(/\s+/g, " ")];
  const short = letters.length > NEWS_LENGTH ? `${letters.slice(0, NEWS_LENGTH).join("")}…` : text;
  return t("chat.news", { name: sender.name, text: short });
}

export interface CallChat {
  /** Undefined until the call's page has settled. */
  chat: Chat | undefined;
  state: ChatState;
  unread: number;
}

function begin(session: CallSession, onNews: (message: Message) => void) {
  const pass = () => session.pass;
  const me = () => senderOf(session.room.localParticipant.identity);
  const events = new Events(pass);
  return { events, chat: new Chat({ events, pass, me, say: sayProblem, onNews }) };
}

const nothing = () => () => undefined;

export function useChat(session: CallSession, open: boolean, onOpen: () => void): CallChat {
  const client = useQueryClient();
  const [chat, setChat] = useState<Chat>();
  const news = useRef<(message: Message) => void>(() => undefined);
  useEffect(() => {
    const { events, chat } = begin(session, (message) => news.current(message));
    setChat(chat);
    if (session.conversationId) chat.open(session.conversationId);
    events.follow(`room:${session.roomId}`, {
      event: ({ type }) => {
        if (type === "call.locked" || type === "call.unlocked") {
          client.invalidateQueries({ queryKey: lockKey(session.roomId) });
        }
      },
      caughtUp: () => undefined,
    });
    return () => {
      events.close();
      chat.close();
    };
  }, [session, client]);

  const state = useSyncExternalStore(chat?.subscribe ?? nothing, () => chat?.state ?? BEFORE);
  const seen = open && state.phase === "ready";
  const shown = useRef<() => void>(() => undefined);
  useEffect(() => {
    news.current = (message) => {
      if (open) return announce(inShort(message));
      // One at a time: the badge counts.
      shown.current();
      shown.current = toast(inShort(message), { label: t("chat.show"), run: onOpen });
    };
  });
  useEffect(() => {
    if (open) shown.current();
  }, [open]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every change of the messages is read, too.
  useEffect(() => {
    const mark = () => {
      if (seen && document.visibilityState === "visible") chat?.markRead();
    };
    mark();
    document.addEventListener("visibilitychange", mark);
    return () => document.removeEventListener("visibilitychange", mark);
  }, [chat, seen, state.thread.messages]);
  return { chat, state, unread: chat?.unread ?? 0 };
}
