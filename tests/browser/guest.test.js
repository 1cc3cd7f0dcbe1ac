// Guests keep who they are in their tab: a reload brings the same guest back, another tab is another guest, and nothing is left
// of a guest who goes for good or signs in.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  leave,
  newAccount,
  signUp,
  tile,
} from "./support/app.js";
import { BASE, launch, person } from "./support/chromium.js";
import { keepPictures } from "./support/looks.js";

const HOST = "Hugo Host";
const GUEST = "Gwen Guest";
const TWIN = "Tess Twin";

let browser;
let people;
let link;
/** Addresses that the guest's pages asked for. */
const addresses = [];

before(async () => {
  browser = await launch();
  people = [await person(browser), await person(browser)];
  const [host, guest] = people;
  guest.context.on("request", (request) => addresses.push(request.url()));
  await signUp(host.page, newAccount(HOST));
  link = await createRoom(host.page, "Open room");
  await joinByLink(host.page, link);
});

after(async () => {
  await browser?.close();
});

afterEach(async (context) => {
  if (context.passed === false) await keepPictures(people, context.name);
});

/** Joins from the pre-join page, under `name` or the one that stands there; answers the identity that was given. */
async function join(page, name) {
  const answered = page.waitForResponse(
    (response) => response.url().endsWith("/join") && response.status() === 200,
  );
  await enterCall(page, name);
  return (await (await answered).json()).identity;
}

const kept = (page) => page.evaluate(() => sessionStorage.getItem("plenum.guest"));
const tokenOf = (text) => JSON.parse(text).passes[0].token;
/** The guest in an identity, whatever the tab. */
const guestOf = (identity) => identity.split("_").slice(0, 2).join("_");

const chat = (page) => page.getByRole("complementary", { name: "Chat" });

async function says(page, words, who) {
  const list = chat(page).getByRole("list", { name: "Messages" });
  const entry = list.getByRole("listitem").filter({ hasText: words });
  await entry.filter({ hasText: who }).waitFor();
  assert.equal(await entry.count(), 1, words);
}

test("a reload brings a guest back as the same one, to what they wrote", async () => {
  const [host, guest] = people.map(({ page }) => page);
  await guest.goto(link);
  const identity = await join(guest, GUEST);
  await guest.getByRole("button", { name: "Chat", exact: true }).click();
  const field = chat(guest).getByRole("textbox", { name: "Write a message" });
  await field.fill("Before the reload");
  await field.press("Enter");
  await says(guest, "Before the reload", "You");
  await guest.reload();
  assert.equal(await guest.getByLabel("Your name").inputValue(), GUEST);
  assert.equal(await join(guest), identity);
  await guest.getByRole("button", { name: "Chat", exact: true }).click();
  await says(guest, "Before the reload", "You");
  await tile(host, GUEST).waitFor();
  assert.equal(await tile(host, GUEST).count(), 1);
});

test("the pass lies in the tab's own storage, and in no address", async () => {
  const guest = people[1].page;
  const token = tokenOf(await kept(guest));
  assert.ok(token.length > 20, "a token");
  const elsewhere = await guest.evaluate(
    () => JSON.stringify({ ...localStorage }) + document.cookie + location.href,
  );
  assert.ok(!elsewhere.includes(token));
  assert.ok(addresses.some((address) => address.endsWith("/join")));
  assert.deepEqual(
    addresses.filter((address) => address.includes(token)),
    [],
  );
});

test("a tab that inherits the storage is another guest, and both stay", async () => {
  const [host, guest] = people.map(({ page }) => page);
  const opened = guest.waitForEvent("popup");
  await guest.evaluate((address) => {
    window.open(address);
  }, link);
  const second = await opened;
  await second.getByRole("heading", { name: /Ready to join/ }).waitFor();
  const inherited = await kept(second);
  assert.equal(inherited, await kept(guest));
  const identity = await join(second, TWIN);
  for (const name of [GUEST, TWIN]) await tile(host, name).waitFor();
  await tile(guest, TWIN).waitFor();
  await tile(second, GUEST).waitFor();
  assert.notEqual(tokenOf(await kept(second)), tokenOf(inherited));
  await second.reload();
  assert.equal(await join(second), identity);
  await leave(second);
  await second.close();
  await tile(host, TWIN).waitFor({ state: "detached" });
  await tile(host, GUEST).waitFor();
});

test("a pass that the server does not know gives way to a new one", async () => {
  const [host, guest] = people.map(({ page }) => page);
  const before = await kept(guest);
  await guest.reload();
  await guest.evaluate(() => {
    const record = JSON.parse(sessionStorage.getItem("plenum.guest"));
    record.passes[0].token = `${record.passes[0].token.slice(0, -6)}AAAAAA`;
    sessionStorage.setItem("plenum.guest", JSON.stringify(record));
  });
  const identity = await join(guest);
  assert.notEqual(tokenOf(await kept(guest)), tokenOf(before));
  await tile(host, GUEST).waitFor();
  await guest.reload();
  assert.equal(guestOf(await join(guest)), guestOf(identity));
});

test("nothing is left of a guest who goes for good, or signs in", async () => {
  const guest = people[1].page;
  await leave(guest);
  await guest.getByRole("heading", { name: "You left the call" }).waitFor();
  assert.ok(await kept(guest), "who may come back keeps the pass");
  await guest.getByRole("button", { name: "Join again" }).click();
  const identity = await join(guest);
  await leave(guest);
  await guest.getByRole("main").getByRole("link", { name: "Go to the start page" }).click();
  await guest.waitForURL(`${BASE}/`);
  assert.equal(await kept(guest), null);
  await guest.goto(link);
  assert.notEqual(guestOf(await join(guest)), guestOf(identity));
  assert.ok(await kept(guest));
  await signUp(guest, newAccount(GUEST));
  assert.equal(await kept(guest), null);
});
