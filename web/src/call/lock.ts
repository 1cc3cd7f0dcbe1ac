// Whether the call is locked, and the change of that, for those who lead it. In: the call. Out: state and a toggle.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { t } from "../i18n";
import { toast } from "../ui/announce";
import { sayRefusal } from "./attempt";
import { useCall } from "./scope";

/** Another host may have locked or unlocked it. */
const LOOK_AGAIN_MS = 15_000;

export function lockKey(roomId: string) {
  return ["calls", "of", roomId, "lock"];
}

export function useLock(enabled: boolean) {
  const { session, verbs } = useCall();
  const client = useQueryClient();
  const queryKey = lockKey(session.roomId);
  const state = useQuery({
    queryKey,
    enabled,
    refetchInterval: LOOK_AGAIN_MS,
    queryFn: async () => Boolean((await verbs.get()).locked_at),
  });
  const change = useMutation({
    mutationFn: (locked: boolean) => verbs.lock(locked),
    onSuccess: (call) => {
      const locked = Boolean(call.locked_at);
      client.setQueryData(queryKey, locked);
      toast(t(locked ? "call.lock.locked" : "call.lock.unlocked"));
    },
    onError: (error) => toast(sayRefusal(error)),
  });
  const locked = state.data ?? false;
  return { locked, toggle: () => change.mutate(!locked) };
}
