// Meetings and invitations to them, as TanStack queries. In: the API client. Out: hooks.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, orThrow } from "./client";
import { Problem } from "./problem";
import type { AccessLevel } from "./queries";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Meeting = Schemas["MeetingView"];
export type MeetingDetail = Schemas["MeetingDetail"];
export type ListedMeeting = Schemas["ListedMeetingView"];
export type Occurrence = Schemas["OccurrenceView"];
export type Invite = Schemas["InviteView"];
export type Invitation = Schemas["InvitationDetail"];
export type Answer = Exclude<Invite["status"], "pending">;

const PER_PAGE = 50;
/** Answers and a started call show on an open page after at most this long. */
const LOOK_AGAIN_MS = 20_000;

/** Everything that lies ahead, the soonest first. */
export function useUpcoming() {
  return useInfiniteQuery({
    queryKey: ["meetings", "upcoming"],
    initialPageParam: "",
    refetchInterval: LOOK_AGAIN_MS,
    queryFn: ({ pageParam }) =>
      orThrow(
        api.GET("/api/v1/meetings", {
          params: {
            query: {
              view: "upcoming",
              limit: PER_PAGE,
              ...(pageParam ? { cursor: pageParam } : {}),
            },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function useMeeting(id: string) {
  return useQuery({
    queryKey: ["meetings", id],
    refetchInterval: LOOK_AGAIN_MS,
    queryFn: async () => {
      const found = await orThrow(
        api.GET("/api/v1/meetings/{meeting_id}", { params: { path: { meeting_id: id } } }),
      );
      // Calendar data is the answer to ids that end with ".ics", which name no page.
      if (typeof found === "string") throw new Problem(404, "meeting_not_found", "");
      return found;
    },
  });
}

/** Who is invited, the earliest invitation first. */
export function useInvites(id: string) {
  return useInfiniteQuery({
    queryKey: ["meetings", id, "invites"],
    initialPageParam: "",
    refetchInterval: LOOK_AGAIN_MS,
    queryFn: ({ pageParam }) =>
      orThrow(
        api.GET("/api/v1/meetings/{meeting_id}/invites", {
          params: {
            path: { meeting_id: id },
            query: { limit: PER_PAGE, ...(pageParam ? { cursor: pageParam } : {}) },
          },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export interface NewMeeting {
  title: string;
  /** Wall clock, `2026-03-01T09:30:00`. */
  local_start: string;
  timezone: string;
  duration_min: number;
  rrule?: string;
  access_level: AccessLevel;
}

export function useSchedule() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (values: NewMeeting) => orThrow(api.POST("/api/v1/meetings", { body: values })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["meetings"] }),
  });
}

/** Invites addresses; where the server sends no mail, the answer carries a link for each. */
export function useInvitePeople() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ meeting, emails }: { meeting: string; emails: string[] }) =>
      orThrow(
        api.POST("/api/v1/meetings/{meeting_id}/invites", {
          params: { path: { meeting_id: meeting } },
          body: { invites: emails.map((email) => ({ email })) },
        }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["meetings"] }),
  });
}

export function useCancelMeeting(id: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () =>
      orThrow(
        api.POST("/api/v1/meetings/{meeting_id}/cancel", { params: { path: { meeting_id: id } } }),
      ),
    onSettled: () => client.invalidateQueries({ queryKey: ["meetings"] }),
  });
}

/** What a link invites to; `invite` is the link's token. */
export function useInvitation(invite: string) {
  return useQuery({
    queryKey: ["invitations", invite],
    queryFn: () => orThrow(api.GET("/api/v1/invites/{invite}", { params: { path: { invite } } })),
  });
}

/** Answers an invitation, by its token or, for whose it is, by its id. */
export function useAnswer(invite: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (answer: Answer) => {
      const params = { path: { invite } };
      switch (answer) {
        case "accepted":
          return orThrow(api.POST("/api/v1/invites/{invite}/accept", { params }));
        case "tentative":
          return orThrow(api.POST("/api/v1/invites/{invite}/tentative", { params }));
        default:
          return orThrow(api.POST("/api/v1/invites/{invite}/decline", { params }));
      }
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["invitations", invite] }),
        client.invalidateQueries({ queryKey: ["meetings"] }),
      ]),
  });
}
