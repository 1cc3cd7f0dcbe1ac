// What a person wants to hear of by mail.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, orThrow } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Preference = Schemas["PreferenceView"];
export type NewsKind = Preference["kind"];

export interface MailChoice {
  kind: NewsKind;
  email: boolean;
}

const KEY = ["preferences"];

export function usePreferences() {
  return useQuery({ queryKey: KEY, queryFn: () => orThrow(api.GET("/api/v1/me/preferences")) });
}

/** Switches mails about one kind of news on or off; shown at once, taken back when the server refuses. */
export function useMailChoice() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (change: MailChoice) =>
      orThrow(api.PATCH("/api/v1/me/preferences", { body: { items: [change] } })),
    onMutate: async ({ kind, email }) => {
      await client.cancelQueries({ queryKey: KEY });
      client.setQueryData<Schemas["Preferences"]>(KEY, (all) =>
        all
          ? { items: all.items.map((one) => (one.kind === kind ? { ...one, email } : one)) }
          : all,
      );
    },
    onSettled: () => client.invalidateQueries({ queryKey: KEY }),
  });
}
