// Invitations to organizations: by the token of a link, or by id for who owns the address they were sent to.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, orThrow } from "./client";
import { Problem } from "./problem";
import type { components } from "./schema";

export type OrganizationInvite = components["schemas"]["OrgInviteView"];

/** As many as one page of the API takes; nobody has more open ones. */
const MOST = 100;

/** Notifications name an invitation by its id, links by its token. */
export function isInviteId(name: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);
}

async function ofMine(id: string): Promise<OrganizationInvite> {
  const mine = await orThrow(
    api.GET("/api/v1/me/organization-invites", { params: { query: { limit: MOST } } }),
  );
  const found = mine.items.find((invite) => invite.id === id);
  if (!found) throw new Problem(404, "invite_not_found", "");
  return found;
}

export function useOrganizationInvite(name: string) {
  return useQuery({
    queryKey: ["organization-invites", name],
    queryFn: () =>
      isInviteId(name)
        ? ofMine(name)
        : orThrow(
            api.GET("/api/v1/organization-invites/{invite}", {
              params: { path: { invite: name } },
            }),
          ),
  });
}

export function useAnswerOrganization(name: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (joins: boolean): Promise<unknown> => {
      const params = { path: { invite: name } };
      return joins
        ? orThrow(api.POST("/api/v1/organization-invites/{invite}/accept", { params }))
        : orThrow(api.POST("/api/v1/organization-invites/{invite}/decline", { params }));
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["organizations"] }),
  });
}
