// A conversation and its messages. In: ids, and a guest's pass. Out: the answer, or a thrown Problem.
import { api, orThrow } from "./client";
import { withPass } from "./queries";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Message = Schemas["MessageView"];
export type Conversation = Schemas["ConversationView"];
type Pass = string | undefined;

export const MESSAGES_PER_PAGE = 50;
const MOST_PER_PAGE = 100;

export function getConversation(id: string, pass: Pass): Promise<Conversation> {
  const params = { path: { conversation_id: id } };
  return orThrow(api.GET("/api/v1/conversations/{conversation_id}", { params, ...withPass(pass) }));
}

/** A page of messages, the newest first; `cursor` asks for the page before. */
export function listMessages(id: string, cursor: string | undefined, pass: Pass) {
  const query = { limit: MESSAGES_PER_PAGE, ...(cursor ? { cursor } : {}) };
  const params = { path: { conversation_id: id }, query };
  return orThrow(
    api.GET("/api/v1/conversations/{conversation_id}/messages", { params, ...withPass(pass) }),
  );
}

/** What was said after number `seq`, the oldest first. */
export function listMessagesAfter(id: string, seq: number, pass: Pass) {
  const query = { order: "asc" as const, after_seq: seq, limit: MOST_PER_PAGE };
  const params = { path: { conversation_id: id }, query };
  return orThrow(
    api.GET("/api/v1/conversations/{conversation_id}/messages", { params, ...withPass(pass) }),
  );
}

/** Sends; the same `clientId` again answers the same message. */
export function sendMessage(
  id: string,
  body: string,
  clientId: string,
  pass: Pass,
): Promise<Message> {
  return orThrow(
    api.POST("/api/v1/conversations/{conversation_id}/messages", {
      params: { path: { conversation_id: id } },
      body: { body, client_id: clientId },
      ...withPass(pass),
    }),
  );
}

/** Marks everything up to number `seq` as read; for people with an account. */
export function markRead(id: string, seq: number) {
  return orThrow(
    api.PUT("/api/v1/conversations/{conversation_id}/read", {
      params: { path: { conversation_id: id } },
      body: { seq },
    }),
  );
}
