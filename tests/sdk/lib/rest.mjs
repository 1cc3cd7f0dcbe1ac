// The REST API as an app uses it: accounts, rooms, joins, verbs of hosts. Needs a whole Plenum behind LIVEKIT_URL.
import assert from 'node:assert/strict';
import { httpUrl } from './env.mjs';
import { joinWith } from './guest.mjs';

const base = `${httpUrl}/api/v1`;
let people = 0;

/** One request; its status and its JSON. */
export async function call(method, path, token, body) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, json: text ? JSON.parse(text) : null };
}

/** As `call`, for what has to succeed. */
export async function must(method, path, token, body) {
  const answer = await call(method, path, token, body);
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${JSON.stringify(answer.json)}`);
  return answer.json;
}

/** An account of its own, with a session. */
export async function register(name) {
  people += 1;
  const email = `${name.toLowerCase()}-${process.pid}-${Date.now()}-${people}@example.org`;
  const session = await must('POST', '/auth/register', undefined, { email, password: 'correct horse battery', display_name: name });
  return { name, email, id: session.user.id, token: session.access_token };
}

/** Asks the API for a way into the room and takes it; without an account as a guest of that name. */
export async function enter(room, { name, token } = {}) {
  const join = await must('POST', `/rooms/${room}/join`, token, token ? {} : { display_name: name });
  return await take(join);
}

/** Takes the way into a call that the API answered. */
export async function take(join) {
  const guest = await joinWith(join.token, { url: join.url });
  return Object.assign(guest, { identity: join.identity, pass: join.guest?.access_token });
}

/** What the API tells somebody about `topics`, over Server-Sent Events: every event so far, and a way to stop. */
export async function listen(token, topics) {
  const stop = new AbortController();
  const answer = await fetch(`${base}/events/stream?topics=${topics}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: stop.signal,
  });
  assert.equal(answer.status, 200);
  const told = [];
  const read = async () => {
    let rest = '';
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop();
      for (const line of lines) if (line.startsWith('data:')) told.push(JSON.parse(line.slice('data:'.length)));
    }
  };
  // Ends with an error once it is stopped.
  read().catch(() => {});
  return { told, stop: () => stop.abort() };
}
