// Every page at desktop and phone width, light and dark: accessible (axe), no sideways scrolling, targets large enough
// to touch. The pictures are for people to look at.
import { after, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  leave,
  newAccount,
  signUp,
  until,
} from "./support/app.js";
import { BASE, launch, person } from "./support/chromium.js";
import { look } from "./support/looks.js";
import { framesDecoded } from "./support/media.js";

let browser;
let host;
let guests;
let link;

before(async () => {
  browser = await launch();
  host = await person(browser);
  guests = [await person(browser), await person(browser)];
});

after(async () => {
  await browser?.close();
});

test("pages without an account", async () => {
  const { page } = host;
  await page.goto(BASE);
  await page.getByRole("link", { name: "Create account" }).waitFor();
  await look(page, "landing");
  await page.goto(`${BASE}/signin`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await look(page, "signin");
  await page.goto(`${BASE}/signup`);
  await page.getByRole("button", { name: "Create account" }).click();
  await look(page, "signup-errors");
  await page.goto(`${BASE}/setup?token=a-one-time-token`);
  await page.getByRole("heading", { name: "Set up this server" }).waitFor();
  await look(page, "setup");
  await page.goto(`${BASE}/nowhere`);
  await page.getByRole("heading", { name: "There is no page here" }).waitFor();
  await look(page, "not-found");
});

test("rooms", async () => {
  const { page } = host;
  await signUp(page, newAccount("Fay Host"));
  await page.getByRole("heading", { name: "No rooms yet" }).waitFor();
  await look(page, "rooms-empty");
  await page.getByRole("button", { name: "New room" }).first().click();
  await look(page, "room-create");
  await page.keyboard.press("Escape");
  await createRoom(
    page,
    "Weekly planning with a rather long name that needs a second line",
    "People with an account",
  );
  link = await createRoom(page, "Monday meeting");
  await page.locator(".toast").first().waitFor({ state: "detached", timeout: 15_000 });
  await look(page, "rooms");
  await page.getByRole("button", { name: "Delete Monday meeting" }).click();
  await look(page, "room-delete");
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Monday meeting", exact: true }).click();
  await page.getByRole("heading", { name: "Monday meeting" }).waitFor();
  await look(page, "room");
});

test("before the call", async () => {
  const { page } = guests[0];
  await page.goto(`${BASE}/j/bbbbbbbbbb`);
  await page.getByRole("heading", { name: "There is no such room" }).waitFor();
  await look(page, "join-no-room");
  await page.goto(link);
  await page.getByLabel("Camera preview").waitFor();
  await page.getByText("We hear you.").waitFor();
  await look(page, "prejoin");
  const refused = await person(browser);
  await refused.context.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () =>
      Promise.reject(new DOMException("made up", "NotAllowedError"));
  });
  await refused.page.goto(link);
  await refused.page.getByText("Camera and microphone are blocked").waitFor();
  await look(refused.page, "prejoin-refused");
  await refused.context.close();
});

test("the call", async () => {
  await joinByLink(host.page, link);
  await look(host.page, "call-alone");
  await enterCall(guests[0].page, "Gus Guest");
  await joinByLink(guests[1].page, link, "Hana Guest");
  const { page } = host;
  for (const name of ["Gus Guest", "Hana Guest"]) {
    await until(`${name} is seen`, async () => (await framesDecoded(page, name)) > 0, 30_000);
  }
  await guests[1].page.getByRole("button", { name: "Turn off camera" }).click();
  await guests[1].page.getByRole("button", { name: "Mute microphone" }).click();
  await page.locator(".toast").first().waitFor({ state: "detached", timeout: 15_000 });
  await look(page, "call-grid");
  await page.keyboard.press("l");
  await look(page, "call-speaker");
  await page.keyboard.press("l");
  await page.keyboard.press("p");
  await look(page, "call-people");
  await page.keyboard.press("Escape");
  await page.keyboard.press("?");
  await look(page, "call-keys");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "More", exact: true }).click();
  await page.getByRole("menu").waitFor();
  await look(page, "call-more");
  await page.keyboard.press("Escape");
  await guests[0].page.getByRole("button", { name: "Share screen" }).click();
  await guests[0].page.getByText("Everybody sees your screen.").waitFor();
  await until(
    "the screen is seen",
    async () => (await framesDecoded(page, "Gus Guest shares the screen")) > 0,
    30_000,
  );
  await look(page, "call-screen");
  await look(guests[0].page, "call-presenter");
});

test("after the call", async () => {
  await leave(host.page);
  await host.page.getByRole("heading", { name: "You left the call" }).waitFor();
  await look(host.page, "after");
});
