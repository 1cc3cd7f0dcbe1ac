// Something a person does to the call: it never throws, a refusal becomes a sentence.
import { Problem } from "../api/problem";
import { sayProblem } from "../api/words";
import { t } from "../i18n";
import { toast } from "../ui/announce";

export function sayRefusal(error: unknown): string {
  if (error instanceof Problem && error.code === "participant_not_found") {
    return t("call.host.gone");
  }
  return sayProblem(error);
}

/** Whether it worked; if not, the person has been told why. */
export async function attempt(doing: Promise<unknown>): Promise<boolean> {
  try {
    await doing;
    return true;
  } catch (error) {
    toast(sayRefusal(error));
    return false;
  }
}
