// The lobby: who has no account waits before a room for people with one, and a host decides.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  newAccount,
  signUp,
  tile,
  until,
} from "./support/app.js";
import { launch, PHONE, person } from "./support/chromium.js";
import { framesDecoded } from "./support/media.js";

let browser;
let host;
let link;

before(async () => {
  browser = await launch();
  host = await person(browser);
  await signUp(host.page, newAccount("Lea Host"));
  link = await createRoom(host.page, "Lobby room", "People with an account");
  await joinByLink(host.page, link);
});

after(async () => {
  await browser?.close();
});

async function knock(name, address = link) {
  const guest = await person(browser);
  await guest.page.goto(address);
  await guest.page.getByLabel("Your name").fill(name);
  await guest.page.getByRole("button", { name: "Join now" }).click();
  await guest.page.getByText("Waiting to be let in…").waitFor();
  return guest;
}

test("a guest whom the host lets in is in the call", async () => {
  const guest = await knock("Gil Guest");
  const notice = host.page.getByRole("region", { name: "Waiting to be let in" });
  await notice.getByText("1 person waits to be let in").waitFor();
  await notice.getByRole("button", { name: "Let Gil Guest in" }).click();
  await guest.page.getByRole("region", { name: "Call controls" }).waitFor();
  await notice.waitFor({ state: "detached" });
  await tile(guest.page, "Lea Host").waitFor();
  await until("the guest sees the host", async () => {
    return (await framesDecoded(guest.page, "Lea Host")) > 0;
  });
  await guest.context.close();
});

test("a reload neither gives up a place in the lobby nor the admission", async () => {
  const { page, context } = await knock("Rea Guest");
  const notice = host.page.getByRole("region", { name: "Waiting to be let in" });
  await notice.getByText("1 person waits to be let in").waitFor();
  await page.reload();
  const entered = page.waitForResponse((response) => response.url().endsWith("/lobby"));
  await page.getByRole("button", { name: "Join now" }).click();
  assert.equal((await (await entered).json()).guest?.access_token, undefined, "the same guest");
  await page.getByText("Waiting to be let in…").waitFor();
  await notice.getByText("1 person waits to be let in").waitFor();
  await notice.getByRole("button", { name: "Let Rea Guest in" }).click();
  await page.getByRole("region", { name: "Call controls" }).waitFor();
  await notice.waitFor({ state: "detached" });
  await page.reload();
  await enterCall(page);
  await tile(host.page, "Rea Guest").waitFor();
  assert.equal(await notice.count(), 0);
  await context.close();
});

test("a guest whom the host refuses is told so", async () => {
  const guest = await knock("Nat Guest");
  await host.page.getByRole("button", { name: "Refuse Nat Guest" }).click();
  await guest.page.getByRole("alert").filter({ hasText: "You were not let in" }).waitFor();
  await guest.page.getByRole("button", { name: "Try again" }).waitFor();
  await guest.context.close();
});

test("several are let in together, and who stops waiting is gone", async () => {
  const guests = [await knock("Ida Guest"), await knock("Jon Guest"), await knock("Kim Guest")];
  const notice = host.page.getByRole("region", { name: "Waiting to be let in" });
  await notice.getByText("3 people wait to be let in").waitFor();
  await guests[2].page.getByRole("button", { name: "Stop waiting" }).click();
  await guests[2].page.getByRole("button", { name: "Join now" }).waitFor();
  await notice.getByText("2 people wait to be let in").waitFor();
  await notice.getByRole("button", { name: "Let everybody in" }).click();
  for (const { page } of guests.slice(0, 2)) {
    await page.getByRole("region", { name: "Call controls" }).waitFor();
  }
});

test("on a phone, who waits is neither over the buttons nor under the panels", async () => {
  const { page, context } = await person(browser, { viewport: PHONE, hasTouch: true });
  await signUp(page, newAccount("Pia Phone"));
  const guests = [];
  const address = await createRoom(page, "Pocket room", "People with an account");
  await joinByLink(page, address);
  const longest = "Veronica-Alexandra Guest of the farthest department";
  for (const name of ["Una Guest", longest]) guests.push(await knock(name, address));
  await page.getByText("2 people wait to be let in").waitFor();
  const box = await page.getByRole("region", { name: "Waiting to be let in" }).boundingBox();
  assert.ok(box.x >= 8 && box.x + box.width <= PHONE.width - 8, JSON.stringify(box));
  // Playwright presses only what nothing else covers.
  await page.getByRole("button", { name: "Copy link" }).click();
  await page.getByText("Link copied.").first().waitFor();
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByRole("button", { name: "Lock call" }).click({ trial: true });
  await page.getByRole("button", { name: "Let Una Guest in" }).click();
  await guests[0].page.getByRole("region", { name: "Call controls" }).waitFor();
  await page.getByRole("button", { name: "Chat", exact: true }).click();
  const chat = page.getByRole("complementary", { name: "Chat" });
  await chat.getByRole("textbox", { name: "Write a message" }).click();
  await page.getByRole("button", { name: `Let ${longest} in` }).click();
  await guests[1].page.getByRole("region", { name: "Call controls" }).waitFor();
  await chat.getByRole("button", { name: "Close chat" }).click();
  await chat.waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Leave call" }).click({ trial: true });
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
  await until("the focus is back", async () => (await focused()) === "Chat");
  for (const one of [...guests, { context }]) await one.context.close();
});
