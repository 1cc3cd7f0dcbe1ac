// The sentence for a failed request that no page has words of its own for.
import { t } from "../i18n";
import { AWAY, Problem } from "./problem";

export function sayProblem(error: unknown): string {
  if (!(error instanceof Problem)) return t("error.unknown");
  if (error.code === AWAY) return t("error.away");
  if (error.status === 429) return t("error.rate");
  if (error.status >= 500) return t("error.internal");
  return error.message || t("error.unknown");
}
