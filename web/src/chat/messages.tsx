// The messages of a chat: days, names, words with links, and what is on its way. Stays at the end while the reader is
// there; who reads further up is not moved, and history that comes in above moves nothing.
import { RotateCw, Trash2 } from "lucide-react";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Message } from "../api/conversations";
import { plural, t } from "../i18n";
import { clockTime, dayWords } from "../state/times";
import { Button, IconButton } from "../ui/button";
import type { Chat, ChatState } from "./chat";
import { linkify } from "./linkify";
import { beginsDay, goesOn, isOwn, type Me, type Pending } from "./thread";

/** Closer to the end than this counts as at the end; closer to the beginning asks for more. */
const NEAR_PX = 48;

/** Text as it was written; addresses in it can be followed, and learn nothing about this page. */
function Words({ text }: { text: string }) {
  return (
    <p className="chat-words">
      {linkify(text).map((part) =>
        part.href ? (
          <a key={part.at} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        ) : (
          part.text
        ),
      )}
    </p>
  );
}

function Said({ message, before, me }: { message: Message; before?: Message; me?: Me }) {
  const own = isOwn(message, me);
  const again = goesOn(before, message);
  const name = own ? t("chat.you") : message.sender.name || t("call.name.unknown");
  return (
    <>
      {beginsDay(before, message) && (
        <li className="chat-day quiet small">{dayWords(message.created_at)}</li>
      )}
      <li className={own ? "chat-message own" : "chat-message"}>
        <div className={again ? "sr-only" : "chat-head"}>
          <b>{name}</b>{" "}
          <time className="quiet small" dateTime={message.created_at}>
            {clockTime(message.created_at)}
          </time>
        </div>
        {message.deleted_at ? (
          <p className="quiet">{t("chat.deleted")}</p>
        ) : (
          message.body && <Words text={message.body} />
        )}
        {message.files.map((file) => (
          <p key={file.id} className="quiet">
            {t("chat.file", { name: file.name })}
          </p>
        ))}
        {message.edited_at && !message.deleted_at && (
          <span className="quiet small">{t("chat.edited")}</span>
        )}
      </li>
    </>
  );
}

function OnItsWay({ pending, chat }: { pending: Pending; chat: Chat }) {
  const { body, clientId, failed } = pending;
  return (
    <li className="chat-message own pending">
      <div className="chat-head">
        <b>{t("chat.you")}</b> {!failed && <span className="quiet small">{t("chat.sending")}</span>}
      </div>
      <Words text={body} />
      {failed && (
        <div className="chat-failed" role="alert">
          <span>{t("chat.failed", { why: failed })}</span>
          <IconButton
            look="plain"
            label={t("chat.retry")}
            onClick={() => chat.send(body, clientId)}
          >
            <RotateCw size={18} aria-hidden="true" />
          </IconButton>
          <IconButton look="plain" label={t("chat.discard")} onClick={() => chat.discard(clientId)}>
            <Trash2 size={18} aria-hidden="true" />
          </IconButton>
        </div>
      )}
    </li>
  );
}

/** Keeps the place of who reads, and says whether that is the end. */
function usePlace(list: RefObject<HTMLElement | null>, firstId: string | undefined, news: unknown) {
  const [atEnd, setAtEnd] = useState(true);
  const kept = useRef({ firstId, height: 0, atEnd: true });
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is new may have changed the height.
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    const { height, atEnd } = kept.current;
    if (atEnd) element.scrollTop = element.scrollHeight;
    else if (kept.current.firstId !== firstId) element.scrollTop += element.scrollHeight - height;
    kept.current = { firstId, height: element.scrollHeight, atEnd };
  }, [list, firstId, news]);
  // A narrower or lower panel must not push the last words out of sight.
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (kept.current.atEnd) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [list]);
  const onScroll = () => {
    const element = list.current;
    if (!element) return;
    const rest = element.scrollHeight - element.clientHeight - element.scrollTop;
    kept.current.atEnd = rest < NEAR_PX;
    setAtEnd(kept.current.atEnd);
  };
  const toEnd = () => {
    const element = list.current;
    if (element) element.scrollTop = element.scrollHeight;
  };
  return { atEnd, onScroll, toEnd };
}

interface MessagesProps {
  chat: Chat;
  state: ChatState;
  me: Me | undefined;
}

export function Messages({ chat, state, me }: MessagesProps) {
  const list = useRef<HTMLOListElement>(null);
  const { messages, pending } = state.thread;
  const place = usePlace(list, messages[0]?.id, state.thread);
  const [seen, setSeen] = useState(messages.at(-1)?.seq ?? 0);
  useEffect(() => {
    if (place.atEnd) setSeen(messages.at(-1)?.seq ?? 0);
  }, [place.atEnd, messages]);
  const below = messages.filter(({ seq }) => seq > seen).length;
  const onScroll = () => {
    place.onScroll();
    if ((list.current?.scrollTop ?? 0) < NEAR_PX && state.older === "more") void chat.loadOlder();
  };
  return (
    <div className="chat-scroll">
      <ol
        ref={list}
        className="chat-list"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too.
        tabIndex={0}
        aria-label={t("chat.messages")}
        onScroll={onScroll}
      >
        {state.older !== "none" && (
          <li className="chat-older">
            <Button disabled={state.older === "loading"} onClick={() => void chat.loadOlder()}>
              {t(state.older === "failed" ? "chat.older.failed" : "chat.older")}
            </Button>
          </li>
        )}
        {messages.map((message, index) => (
          <Said key={message.id} message={message} before={messages[index - 1]} me={me} />
        ))}
        {pending.map((entry) => (
          <OnItsWay key={entry.clientId} pending={entry} chat={chat} />
        ))}
      </ol>
      {!place.atEnd && below > 0 && (
        <Button className="chat-below" onClick={place.toEnd}>
          {plural("chat.below", below)}
        </Button>
      )}
    </div>
  );
}
