// The one way to the REST API. In: a path of the OpenAPI document with its parameters. Out: its JSON, or a thrown
// `Problem`. The session lives in HttpOnly cookies: this file never sees a token, and stores none. On a 401 it renews
// the access cookie once and repeats the request.
import createClient from "openapi-fetch";
import { Problem } from "./problem";
import type { paths } from "./schema";

/** A request without an answer counts as "server away" after this long. */
const PATIENCE_MS = 15_000;

async function send(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw Problem.away();
  }
}

// Several requests may meet the expired cookie at once; they share one renewal, because the refresh token rotates.
let renewal: Promise<boolean> | undefined;

function renew(): Promise<boolean> {
  renewal ??= send(new Request("/api/v1/auth/refresh", { method: "POST" }))
    .then((answer) => answer.ok)
    .finally(() => {
      renewal = undefined;
    });
  return renewal;
}

/** Requests whose own 401 speaks of the credentials in them, not of the session. */
function isSignIn(url: string): boolean {
  const path = new URL(url).pathname;
  return /\/api\/v1\/auth\/(login|register|setup|refresh|otp\/verify|password\/reset\/confirm)$/.test(
    path,
  );
}

async function sendWithSession(request: Request): Promise<Response> {
  const again = request.clone();
  const answer = await send(request);
  if (answer.status !== 401 || isSignIn(request.url)) return answer;
  return (await renew()) ? send(again) : answer;
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: sendWithSession });

/** Unwraps an answer of `api`: its data, or a thrown Problem. */
export async function orThrow<T>(
  pending: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data, error, response } = await pending;
  if (!response.ok) throw Problem.from(response.status, error);
  return data as T;
}
