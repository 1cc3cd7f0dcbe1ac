// The chat of a call: a host and a guest write to each other live, history, what is unread, several tabs, lost connections,
// and words that look like code.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  newAccount,
  signUp,
  tile,
  until,
} from "./support/app.js";
import { BASE, launch, person } from "./support/chromium.js";
import { keepPictures } from "./support/looks.js";

const HOST = "Hedy Host";
const GUEST = "Glen Guest";

let browser;
let people;
let link;
/** Events sockets of the guest's page, the newest last. */
const sockets = [];
let blocked = false;
let refused = 0;

before(async () => {
  browser = await launch();
  people = [await person(browser), await person(browser)];
  const [host, guest] = people.map(({ page }) => page);
  await people[1].context.routeWebSocket(/\/api\/v1\/events/, (socket) => {
    if (blocked) {
      refused += 1;
      return socket.close({ code: 1012 });
    }
    socket.connectToServer();
    return sockets.push(socket);
  });
  await signUp(host, newAccount(HOST));
  link = await createRoom(host, "Chatty room");
  await joinByLink(host, link);
  await joinByLink(guest, link, GUEST);
  await tile(host, GUEST).waitFor();
});

after(async () => {
  await browser?.close();
});

afterEach(async (context) => {
  if (context.passed === false) await keepPictures(people, context.name);
});

const panel = (page) => page.getByRole("complementary", { name: "Chat" });
const messages = (page) => panel(page).getByRole("list", { name: "Messages" });

/** Exactly one message with these words, from `who`. */
async function has(page, words, who) {
  const entry = messages(page).getByRole("listitem").filter({ hasText: words });
  await entry.first().waitFor();
  assert.equal(await entry.count(), 1, words);
  if (who) await entry.filter({ hasText: who }).waitFor();
}

async function write(page, words) {
  const field = panel(page).getByRole("textbox", { name: "Write a message" });
  await field.fill(words);
  await field.press("Enter");
}

test("an empty chat says what it is for", async () => {
  const [, guest] = people.map(({ page }) => page);
  await guest.getByRole("button", { name: "Chat", exact: true }).click();
  await panel(guest).getByText("Nobody has written yet.").waitFor();
});

test("a guest writes, the host sees that there is news, reads it and answers", async () => {
  const [host, guest] = people.map(({ page }) => page);
  await write(guest, "Good morning from the guest");
  await has(guest, "Good morning from the guest", "You");
  await host.getByText(`${GUEST}: Good morning from the guest`).first().waitFor();
  await host.getByRole("button", { name: "Chat (1 new message)" }).waitFor();
  await host.getByRole("button", { name: "Open chat" }).click();
  await has(host, "Good morning from the guest", GUEST);
  await host.getByRole("button", { name: "Open chat" }).waitFor({ state: "detached" });
  await host.getByRole("button", { name: "Chat", exact: true }).waitFor();
  await write(host, "Good morning from the host");
  await has(guest, "Good morning from the host", HOST);
});

test("words that look like code stay words, links can be followed", async () => {
  const [host, guest] = people.map(({ page }) => page);
  const evil = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
  await write(guest, `${evil} see https://example.org/a?b=1. javascript:alert(1)`);
  await has(host, evil, GUEST);
  const found = messages(host).getByRole("link");
  assert.deepEqual(await found.allInnerTexts(), ["https://example.org/a?b=1"]);
  assert.equal(await found.getAttribute("href"), "https://example.org/a?b=1");
  assert.match(await found.getAttribute("rel"), /noopener/);
  assert.match(await host.title(), /Chatty room/);
  assert.equal(await messages(host).locator("img, script").count(), 0);
});

test("two tabs of one person show the same, and reading in one is reading in both", async () => {
  const [host, guest] = people.map(({ page }) => page);
  await host.keyboard.press("Escape");
  const second = await people[0].context.newPage();
  await joinByLink(second, link);
  await write(guest, "For both tabs");
  for (const page of [host, second]) {
    await page.getByRole("button", { name: "Chat (1 new message)" }).waitFor();
  }
  await second.bringToFront();
  await second.getByRole("button", { name: "Chat (1 new message)" }).click();
  await has(second, "For both tabs", GUEST);
  await host.getByRole("button", { name: "Chat", exact: true }).waitFor();
  await write(second, "From the second tab");
  await has(guest, "From the second tab", HOST);
  await host.bringToFront();
  await host.keyboard.press("c");
  await has(host, "From the second tab");
  await second.close();
});

test("what cannot be sent says so, and is sent once when tried again", async () => {
  const [host, guest] = people.map(({ page }) => page);
  await guest.route("**/messages", (route) => route.abort());
  await write(guest, "Through a bad connection");
  await panel(guest).getByText("Sending…").waitFor();
  await panel(guest).getByRole("alert").filter({ hasText: "Not sent." }).waitFor();
  await guest.unroute("**/messages");
  await panel(guest).getByRole("button", { name: "Try to send again" }).click();
  await has(host, "Through a bad connection", GUEST);
  await panel(guest).getByRole("alert").waitFor({ state: "detached" });
  await has(guest, "Through a bad connection");
});

test("what was said while the events were away arrives when they are back", async () => {
  const [host, guest] = people.map(({ page }) => page);
  blocked = true;
  await sockets.at(-1).close({ code: 1012 });
  await write(host, "While you were away");
  await has(host, "While you were away");
  await until("the page tries again, and in vain", () => refused > 0);
  assert.equal(await messages(guest).getByText("While you were away").count(), 0);
  blocked = false;
  await has(guest, "While you were away", HOST);
});

test("a reload shows history, older pages come on the way up, and nothing old is news", async () => {
  const { page, context } = people[0];
  const code = link.split("/").at(-1);
  const room = await (await context.request.get(`${BASE}/api/v1/rooms/${code}`)).json();
  const path = `${BASE}/api/v1/conversations/${room.conversation_id}/messages`;
  for (let number = 1; number <= 60; number += 1) {
    const answer = await context.request.post(path, { data: { body: `Line ${number}.` } });
    assert.equal(answer.status(), 201);
  }
  await has(people[1].page, "Line 60.", HOST);
  await page.reload();
  await enterCall(page);
  await page.getByRole("button", { name: "Chat", exact: true }).click();
  await has(page, "Line 60.");
  assert.equal(await messages(page).getByText("Good morning from the guest").count(), 0);
  const end = () => messages(page).evaluate((list) => list.scrollTop + list.clientHeight);
  const height = () => messages(page).evaluate((list) => list.scrollHeight);
  assert.ok((await height()) - (await end()) < 4, "begins at the end");
  await messages(page).focus();
  await page.keyboard.press("Home");
  await has(page, "Good morning from the guest", GUEST);
  await until("the reader's place stays", async () => {
    return (await height()) - (await end()) > 500;
  });
});

test("nothing was logged as an error", () => {
  const lost = /net::ERR_FAILED|WebSocket/;
  for (const { complaints } of people) {
    assert.deepEqual(
      complaints.filter((complaint) => !lost.test(complaint)),
      [],
    );
  }
});
