// What the pages ask of the server and what they change there, as TanStack queries. In: the API client. Out: hooks.
import {
  QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { forgetPass } from "../state/passes";
import { api, orThrow } from "./client";
import { Problem } from "./problem";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type User = Schemas["User"];
export type Room = Schemas["RoomView"];
export type JoinAnswer = Schemas["JoinAnswer"];
export type AccessLevel = Schemas["RoomView"]["access_level"];

/** What stands for a room in links: its code, or its id for those who may not know the code. */
export function roomKey(room: Room): string {
  return room.code ?? room.id;
}

const ROOMS_PER_PAGE = 50;

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      // Only silence and trouble on the server may pass by themselves; a refusal will not.
      retry: (failures, error) =>
        failures < 2 && error instanceof Problem && (error.status === 0 || error.status >= 500),
    },
  },
});

/** What the server offers; the same for everybody. */
export function useServerConfig() {
  return useQuery({
    queryKey: ["config"],
    staleTime: 300_000,
    queryFn: () => orThrow(api.GET("/api/v1/config")),
  });
}

/** The signed-in user, or null without a session. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    staleTime: 300_000,
    queryFn: async (): Promise<User | null> => {
      try {
        return await orThrow(api.GET("/api/v1/me"));
      } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
      }
    },
  });
}

/** A change that begins a session. */
export function useStartSession<V>(request: (values: V) => Promise<Schemas["Session"]>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: request,
    onSuccess: ({ user }) => {
      // Nothing of a former session may shine through, nor of the guest one was.
      client.removeQueries();
      void forgetPass();
      client.setQueryData(["me"], user);
    },
  });
}

export function useSignIn() {
  return useStartSession((values: { identifier: string; password: string }) =>
    orThrow(api.POST("/api/v1/auth/login", { body: { ...values, transport: "cookie" } })),
  );
}

export interface NewAccount {
  email: string;
  password: string;
  display_name: string;
}

interface SignUpTokens {
  /** The server's one-time token. */
  token?: string | undefined;
  /** Of an invitation to an organization. */
  invite?: string | undefined;
}

/** Makes an account; with the server's one-time token, that of its first administrator. */
export function useSignUp() {
  return useStartSession(({ token, invite, ...account }: NewAccount & SignUpTokens) => {
    const values = { ...account, transport: "cookie" as const };
    const invited = invite === undefined ? {} : { invite_token: invite };
    return token === undefined
      ? orThrow(api.POST("/api/v1/auth/register", { body: { ...values, ...invited } }))
      : orThrow(api.POST("/api/v1/auth/setup", { body: { ...values, token } }));
  });
}

export function useSignOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => orThrow(api.POST("/api/v1/auth/logout")),
    onSuccess: () => {
      client.clear();
      client.setQueryData(["me"], null);
    },
  });
}

export function useRooms() {
  return useInfiniteQuery({
    queryKey: ["rooms"],
    initialPageParam: "",
    queryFn: ({ pageParam }) =>
      orThrow(
        api.GET("/api/v1/rooms", {
          params: { query: { limit: ROOMS_PER_PAGE, ...(pageParam ? { cursor: pageParam } : {}) } },
        }),
      ),
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

/** One room by id or code; asked for again every `everyMs`, if given. */
export function useRoom(room: string, everyMs?: number) {
  return useQuery({
    queryKey: ["rooms", room],
    ...(everyMs ? { refetchInterval: everyMs } : {}),
    queryFn: () => orThrow(api.GET("/api/v1/rooms/{room}", { params: { path: { room } } })),
  });
}

/** The room as it is at this moment, whatever was known of it. */
export function useRoomNow(room: string, enabled: boolean) {
  return useQuery({
    queryKey: ["rooms", room, "now"],
    enabled,
    staleTime: 0,
    gcTime: 0,
    queryFn: () => orThrow(api.GET("/api/v1/rooms/{room}", { params: { path: { room } } })),
  });
}

export function useCreateRoom() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (values: { name: string; access_level: AccessLevel }) =>
      orThrow(api.POST("/api/v1/rooms", { body: { ...values, type: "video" } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["rooms"] }),
  });
}

export function useDeleteRoom() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (room: string) =>
      orThrow(api.DELETE("/api/v1/rooms/{room}", { params: { path: { room } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["rooms"] }),
  });
}

/**
 * Asks to be let into a room: where to connect, and with which token (good for a minute). `guestPass` is what a guest
 * got from an earlier join of the same call; with it the guest comes back as the same person.
 */
export function requestJoin(
  room: string,
  values: { display_name?: string; client_id?: string },
  guestPass?: string,
): Promise<JoinAnswer> {
  return orThrow(
    api.POST("/api/v1/rooms/{room}/join", {
      params: { path: { room } },
      body: values,
      ...(guestPass ? { headers: { authorization: `Bearer ${guestPass}` } } : {}),
    }),
  );
}

const LOBBY_EVERY_MS = 4_000;

/** Lets a guest ask as who they are. */
export function withPass(pass: string | undefined) {
  return pass ? { headers: { authorization: `Bearer ${pass}` } } : {};
}

/** Asks to be let in by a host. A guest's answer carries the pass with which to go on. */
export function enterLobby(room: string, values: { display_name?: string }, pass?: string) {
  return orThrow(
    api.POST("/api/v1/rooms/{room}/lobby", {
      params: { path: { room } },
      body: values,
      ...withPass(pass),
    }),
  );
}

/** What was decided; the server holds the answer back for up to `wait` seconds while nothing was. */
export function askLobby(room: string, id: string, wait: number, pass?: string) {
  return orThrow(
    api.GET("/api/v1/rooms/{room}/lobby/{entry_id}", {
      params: { path: { room, entry_id: id }, query: { wait } },
      ...withPass(pass),
    }),
  );
}

export function leaveLobby(room: string, id: string, pass?: string) {
  return orThrow(
    api.DELETE("/api/v1/rooms/{room}/lobby/{entry_id}", {
      params: { path: { room, entry_id: id } },
      ...withPass(pass),
    }),
  );
}

/** Who waits to be let in, while `enabled`. */
export function useLobby(room: string, enabled: boolean) {
  return useQuery({
    queryKey: ["rooms", room, "lobby"],
    enabled,
    refetchInterval: LOBBY_EVERY_MS,
    queryFn: () => orThrow(api.GET("/api/v1/rooms/{room}/lobby", { params: { path: { room } } })),
  });
}

/** Lets somebody in, or not, or everybody who waits. */
export function useLobbyDecision(room: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (decision: { id: string; admit: boolean } | "all"): Promise<unknown> => {
      if (decision === "all") {
        return orThrow(
          api.POST("/api/v1/rooms/{room}/lobby/admit-all", { params: { path: { room } } }),
        );
      }
      const params = { path: { room, entry_id: decision.id } };
      return decision.admit
        ? orThrow(api.POST("/api/v1/rooms/{room}/lobby/{entry_id}/admit", { params }))
        : orThrow(api.POST("/api/v1/rooms/{room}/lobby/{entry_id}/deny", { params }));
    },
    // Also after a failure: another host may have decided.
    onSettled: () => client.invalidateQueries({ queryKey: ["rooms", room, "lobby"] }),
  });
}
