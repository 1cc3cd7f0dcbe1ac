// Three media nodes, as processes of their own: a call whose node is killed goes on at another one within ten seconds,
// and a call on a node that is drained moves on without anybody's doing.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { createRoom, joinByLink, newAccount, signUp, tile, until } from "./support/app.js";
import { launch, person } from "./support/chromium.js";
import { startCluster } from "./support/cluster.js";
import { keepPictures } from "./support/looks.js";
import { framesDecoded } from "./support/media.js";

const NAMES = ["Nora Host", "Otto Guest"];
const BACK_WITHIN_MS = 10_000;

let cluster;
let browser;
let people = [];
let link;

before(async () => {
  cluster = await startCluster(3);
  browser = await launch();
  people = await Promise.all(NAMES.map(() => person(browser, { base: cluster.url })));
  await signUp(people[0].page, newAccount(NAMES[0]), cluster.url);
  link = await createRoom(people[0].page, "Wandering meeting");
  await joinByLink(people[0].page, link);
  await joinByLink(people[1].page, link, NAMES[1]);
  await everybodySees(0);
});

after(async () => {
  await browser?.close();
  await cluster?.stop();
});

afterEach(async (context) => {
  if (context.passed === false) {
    await keepPictures(people, context.name);
    context.diagnostic(cluster.output());
  }
});

/** Both see each other, with pictures that began to arrive after `since` (milliseconds since the epoch). */
async function everybodySees(since, timeoutMs = 30_000) {
  for (const [index, { page }] of people.entries()) {
    const other = NAMES[1 - index];
    await until(
      `${NAMES[index]} sees ${other}`,
      async () => (await framesDecoded(page, other)) > 5,
      Math.max(1, since ? since + timeoutMs - Date.now() : timeoutMs),
    );
  }
}

const handOf = (page, name) => tile(page, name).getByRole("img", { name: "Hand raised" });

/** The node whose open call this is. */
async function nodeOfCall() {
  const nodes = await cluster.nodes();
  return nodes.find((node) => node.open_calls > 0);
}

async function calls(page) {
  const id = await page.evaluate(async (path) => {
    const code = path.split("/").pop();
    return (await (await fetch(`/api/v1/rooms/${code}`)).json()).id;
  }, new URL(link).pathname);
  return page.evaluate(
    async (room) => (await (await fetch(`/api/v1/rooms/${room}/calls`)).json()).items,
    id,
  );
}

test("three nodes register, and one of them has the call", async () => {
  const nodes = await cluster.nodes();
  assert.equal(nodes.length, 3);
  assert.deepEqual(
    nodes.map((node) => node.state),
    ["up", "up", "up"],
  );
  assert.equal(nodes.filter((node) => node.open_calls === 1).length, 1);
});

test("who was on a node that is killed is back in the call on another within ten seconds", async (context) => {
  const { page } = people[0];
  await people[1].page.keyboard.press("h");
  await handOf(page, NAMES[1]).waitFor();
  const old = await nodeOfCall();
  const killedAt = Date.now();
  cluster.kill(old.url);
  // The old pictures stop: what is decoded from here on comes over new connections.
  await Promise.all(
    people.map((one) =>
      one.page.evaluate(() => {
        window.testConnections.length = 0;
      }),
    ),
  );
  await everybodySees(killedAt, BACK_WITHIN_MS);
  context.diagnostic(`back after ${Date.now() - killedAt} ms`);
  for (const one of people) {
    await one.page.getByText(/Connection lost/).waitFor({ state: "detached" });
  }
  const now = await nodeOfCall();
  assert.notEqual(now.url, old.url);
  const [open, closed] = await calls(page);
  assert.equal(open.state, "active");
  assert.equal(closed.state, "ended");
  const ended = Date.parse(closed.ended_at);
  assert.ok(
    ended <= killedAt + 1_000 && ended >= killedAt - 4_000,
    `the first call ended when its node was last heard of: ${closed.ended_at}, killed ${new Date(killedAt).toISOString()}`,
  );
  await handOf(page, NAMES[1]).waitFor();
  await people[1].page.getByRole("button", { name: "Lower hand" }).waitFor();
  await until("the killed node is down", async () =>
    (await cluster.nodes()).some((node) => node.url === old.url && node.state === "down"),
  );
});

test("a drained node's people join elsewhere", async (context) => {
  const [host, guest] = people.map(({ page }) => page);
  await guest.keyboard.press("h");
  await handOf(host, NAMES[1]).waitFor({ state: "detached" });
  await host.keyboard.press("h");
  await handOf(guest, NAMES[0]).waitFor();
  const old = await nodeOfCall();
  await Promise.all(
    people.map((one) =>
      one.page.evaluate(() => {
        window.testConnections.length = 0;
      }),
    ),
  );
  const drainedAt = Date.now();
  assert.match(await cluster.cli("node", "drain", old.id, "--deadline-s", "0"), /is draining/);
  await everybodySees(drainedAt, 20_000);
  context.diagnostic(`elsewhere after ${Date.now() - drainedAt} ms`);
  const now = await nodeOfCall();
  assert.notEqual(now.url, old.url);
  assert.equal(now.state, "up");
  const drained = (await cluster.nodes()).find((node) => node.id === old.id);
  assert.deepEqual([drained.state, drained.open_calls], ["draining", 0]);
  assert.equal(await tile(host, NAMES[1]).count(), 1);
  // A hand that was up comes along, one that was lowered does not.
  await handOf(guest, NAMES[0]).waitFor();
  assert.equal(await handOf(host, NAMES[1]).count(), 0);
  assert.match(await cluster.cli("node", "undrain", old.id), /is up/);
});
