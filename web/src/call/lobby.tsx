// Who waits to be let in, for those who decide: hosts and cohosts. In: the room's code. Out: their decision.
import { useLobby, useLobbyDecision } from "../api/queries";
import { plural, t } from "../i18n";
import { Button } from "../ui/button";
import { leads } from "./rights";
import { useOwnStanding } from "./scope";

/** Rows shown at once; more are let in one after another, or all together. */
const ROWS = 3;

export function LobbyNotice({ code }: { code: string }) {
  const decides = leads(useOwnStanding(code).role);
  const waiting = useLobby(code, decides).data?.items ?? [];
  const decision = useLobbyDecision(code);
  if (!decides || waiting.length === 0) return null;
  return (
    <section className="call-notice lobby" aria-label={t("call.lobby")}>
      <p role="status">{plural("call.lobby.waiting", waiting.length)}</p>
      <ul>
        {waiting.slice(0, ROWS).map(({ id, display_name: name }) => (
          <li key={id}>
            <span className="person-name">{name}</span>
            <Button
              aria-label={t("call.lobby.admit.named", { name })}
              onClick={() => decision.mutate({ id, admit: true })}
            >
              {t("call.lobby.admit")}
            </Button>
            <Button
              aria-label={t("call.lobby.deny.named", { name })}
              onClick={() => decision.mutate({ id, admit: false })}
            >
              {t("call.lobby.deny")}
            </Button>
          </li>
        ))}
      </ul>
      {waiting.length > 1 && (
        <Button onClick={() => decision.mutate("all")}>{t("call.lobby.admitAll")}</Button>
      )}
    </section>
  );
}
