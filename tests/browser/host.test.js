// What hosts do in a call, and what the others see of it: mute one and all, remove, co-hosts, the lock, the end. Raised hands.
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
import { launch, person } from "./support/chromium.js";
import { keepPictures } from "./support/looks.js";

const HOST = "Hal Host";
const COHOST = "Cora Account";
const GUEST = "Gus Guest";
const JOIN = "**/api/v1/rooms/*/join";

let browser;
let people;
let link;

before(async () => {
  browser = await launch();
  people = [await person(browser), await person(browser), await person(browser)];
  const [host, second, guest] = people.map(({ page }) => page);
  await signUp(host, newAccount(HOST));
  link = await createRoom(host, "Hosted room");
  await signUp(second, newAccount(COHOST));
  await joinByLink(host, link);
  await joinByLink(second, link);
  await joinByLink(guest, link, GUEST);
  for (const name of [COHOST, GUEST]) await tile(host, name).waitFor();
  await host.keyboard.press("p");
});

after(async () => {
  await browser?.close();
});

afterEach(async (context) => {
  if (context.passed === false) await keepPictures(people, context.name);
});

const panel = (page) => page.getByRole("complementary", { name: "People" });

function row(page, name) {
  return panel(page).getByRole("listitem").filter({ hasText: name });
}

async function choose(page, name, action) {
  await panel(page)
    .getByRole("button", { name: `Actions for ${name}` })
    .click();
  await page.getByRole("menuitem", { name: action }).click();
}

const muted = (page) => page.getByRole("button", { name: "Unmute microphone" });

async function unmute(page) {
  await muted(page).click();
  await page.getByRole("button", { name: "Mute microphone" }).waitFor();
}

test("roles stand beside names, and only who leads has host controls", async () => {
  const [host, second, guest] = people.map(({ page }) => page);
  await row(host, HOST).getByText("Host", { exact: true }).waitFor();
  await guest.keyboard.press("p");
  await row(guest, HOST).getByText("Host", { exact: true }).waitFor();
  for (const name of ["Mute all", "Lock call", /^Actions for/, "Leave or end the call"]) {
    assert.equal(await guest.getByRole("button", { name }).count(), 0, `${name} for a guest`);
    assert.notEqual(await host.getByRole("button", { name }).count(), 0, `${name} for a host`);
    assert.equal(await second.getByRole("button", { name }).count(), 0, `${name} for an account`);
  }
});

test("a host mutes a guest, who sees it and is told", async () => {
  const [host, , guest] = people.map(({ page }) => page);
  await choose(host, GUEST, "Mute");
  await muted(guest).waitFor();
  await guest.getByText("A host muted you. You can unmute yourself.").first().waitFor();
  await row(host, GUEST).getByRole("img", { name: "Microphone off" }).waitFor();
  await unmute(guest);
});

test("a host mutes everybody, but stays as they are", async () => {
  const [host, second, guest] = people.map(({ page }) => page);
  await host.getByRole("button", { name: "Mute all" }).click();
  for (const page of [second, guest]) await muted(page).waitFor();
  await host.getByText("2 microphones muted.").first().waitFor();
  await host.getByRole("button", { name: "Mute microphone" }).waitFor();
  for (const page of [second, guest]) await unmute(page);
});

test("a raised hand is seen by the others, stands first, and a host lowers it", async () => {
  const [host, second, guest] = people.map(({ page }) => page);
  await guest.keyboard.press("h");
  for (const page of [host, second, guest]) {
    const name = page === guest ? `${GUEST} (you)` : GUEST;
    await tile(page, name).getByRole("img", { name: "Hand raised" }).waitFor();
  }
  await host.getByText(`${GUEST} raised a hand`).first().waitFor();
  await guest.getByRole("button", { name: "Lower hand" }).waitFor();
  const first = panel(host).getByRole("listitem").first();
  await first.getByText(GUEST).waitFor();
  await choose(host, GUEST, "Lower hand");
  for (const page of [host, second]) {
    await tile(page, GUEST)
      .getByRole("img", { name: "Hand raised" })
      .waitFor({ state: "detached" });
  }
  await second.getByRole("button", { name: "Raise hand" }).click();
  await tile(guest, COHOST).getByRole("img", { name: "Hand raised" }).waitFor();
  await host.getByRole("button", { name: "Lower all hands" }).click();
  await second.getByRole("button", { name: "Raise hand" }).waitFor();
});

test("a co-host gets host controls, but neither over hosts nor the end, and loses them again", async () => {
  const [host, second, guest] = people.map(({ page }) => page);
  await choose(host, COHOST, "Make co-host");
  await second
    .getByText(/You are a co-host now/)
    .first()
    .waitFor();
  await row(guest, COHOST).getByText("Co-host").waitFor();
  await second.keyboard.press("p");
  await second.getByRole("button", { name: "Lock call" }).waitFor();
  await panel(second)
    .getByRole("button", { name: `Actions for ${GUEST}` })
    .waitFor();
  for (const name of [`Actions for ${HOST}`, "Leave or end the call"]) {
    assert.equal(await second.getByRole("button", { name }).count(), 0, `${name} for a co-host`);
  }
  await choose(second, GUEST, "Mute");
  await muted(guest).waitFor();
  await choose(host, COHOST, "Take co-host role away");
  await second.getByText("You are no co-host any more.").first().waitFor();
  await second.getByRole("button", { name: "Lock call" }).waitFor({ state: "detached" });
});

test("a locked call refuses a newcomer in words, and an unlocked one lets them in", async () => {
  const [host] = people.map(({ page }) => page);
  await host.getByRole("button", { name: "Lock call" }).click();
  await host.getByText("The call is locked.").first().waitFor();
  const late = await person(browser);
  await late.page.goto(link);
  await late.page.getByLabel("Your name").fill("Lou Late");
  await late.page.getByRole("button", { name: "Join now" }).click();
  const refusal = late.page.getByRole("alert").filter({ hasText: "The call is locked" });
  await refusal.getByText(/Ask somebody inside to unlock it/).waitFor();
  await host.getByRole("button", { name: "Unlock call" }).click();
  await host.getByRole("button", { name: "Lock call" }).waitFor();
  await late.page.getByRole("button", { name: "Try again" }).click();
  await late.page.getByRole("region", { name: "Call controls" }).waitFor();
  await late.context.close();
});

/** From the page after the call into it again; answers the first ticket that was given for it. */
async function comeBack(page) {
  const answered = page.waitForResponse(JOIN);
  await page.getByRole("button", { name: "Join again" }).click();
  await enterCall(page);
  return (await answered).json();
}

test("who comes back within the second of the removal is not refused for it", async () => {
  const [host, , guest] = people.map(({ page }) => page);
  const remove = async () => {
    await choose(host, GUEST, "Remove from the call");
    const dialog = host.getByRole("dialog", { name: `Remove ${GUEST}?` });
    await dialog.getByRole("button", { name: "Remove", exact: true }).click();
    await guest.getByRole("heading", { name: "You were removed from the call" }).waitFor();
  };
  await remove();
  // Tokens say their time in seconds. The second removal withdraws this one for certain; a real one only if it is quick.
  const ticket = await comeBack(guest);
  await tile(host, GUEST).waitFor();
  await remove();
  let asked = 0;
  await guest.route(JOIN, (route) => {
    asked += 1;
    return asked === 1 ? route.fulfill({ json: ticket }) : route.continue();
  });
  await comeBack(guest);
  await guest.unroute(JOIN);
  assert.ok(asked >= 2, `${asked} tickets`);
  await tile(host, GUEST).waitFor();
});

test("who is removed reads so, and comes back unless kept out", async () => {
  const [host, second, guest] = people.map(({ page }) => page);
  await choose(host, GUEST, "Remove from the call");
  let dialog = host.getByRole("dialog", { name: `Remove ${GUEST}?` });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await dialog.waitFor({ state: "detached" });
  const focused = () => host.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  await until("the focus is back", async () => (await focused()) === `Actions for ${GUEST}`);
  await choose(host, GUEST, "Remove from the call");
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await guest.getByRole("heading", { name: "You were removed from the call" }).waitFor();
  await guest.getByText("A host removed you.").waitFor();
  await tile(host, GUEST).waitFor({ state: "detached" });
  await comeBack(guest);
  await tile(host, GUEST).waitFor();

  await choose(host, COHOST, "Remove from the call");
  dialog = host.getByRole("dialog", { name: `Remove ${COHOST}?` });
  await dialog.getByRole("checkbox", { name: "Also keep them out of this room" }).check();
  await dialog.getByRole("button", { name: "Remove and keep out" }).click();
  await second.getByRole("heading", { name: "You were removed from the call" }).waitFor();
  await second.getByRole("button", { name: "Join again" }).click();
  await second.getByRole("button", { name: "Join now" }).click();
  await second.getByText("A host removed you for good.").waitFor();
});

test("a host ends the call for everybody", async () => {
  const [host, , guest] = people.map(({ page }) => page);
  await host.getByRole("button", { name: "Leave or end the call" }).click();
  await host.getByRole("menuitem", { name: "End call for everybody" }).click();
  const dialog = host.getByRole("dialog", { name: "End the call for everybody?" });
  await dialog.getByRole("button", { name: "End call" }).click();
  for (const page of [host, guest]) {
    await page.getByRole("heading", { name: "The call is over" }).waitFor();
  }
  await host.getByText("You ended it for everybody.").waitFor();
  await guest.getByText("A host ended it for everybody.").waitFor();
});
