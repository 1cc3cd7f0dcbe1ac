// What can go wrong before and in a call, each with its own sentence and next step.
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
import { BASE, launch, person } from "./support/chromium.js";
import { framesDecoded } from "./support/media.js";

let browser;
let host;
let link;

before(async () => {
  browser = await launch();
  host = await person(browser);
  await signUp(host.page, newAccount("Eve Host"));
  link = await createRoom(host.page, "Trouble room");
});

after(async () => {
  await browser?.close();
});

test("a refused camera and microphone are explained, and one can join without them", async () => {
  const strict = await launch({
    devices: false,
    args: ["--use-fake-device-for-media-stream", "--deny-permission-prompts"],
  });
  try {
    const { page } = await person(strict, { permissions: [] });
    await page.goto(link);
    const notice = page.getByRole("alert").filter({ hasText: "Camera and microphone are blocked" });
    await notice.waitFor();
    await notice.getByRole("button", { name: "Try again" }).waitFor();
    await enterCall(page, "Shy Guest");
    await page.getByRole("button", { name: "Turn on camera" }).click();
    await page.getByText("The camera is blocked").first().waitFor();
  } finally {
    await strict.close();
  }
});

test("missing and busy devices have words of their own", async () => {
  for (const [error, words] of [
    ["NotFoundError", "No camera and no microphone found"],
    ["NotReadableError", "Another program uses your camera or microphone"],
  ]) {
    const guest = await person(browser);
    await guest.context.addInitScript((name) => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("made up", name));
    }, error);
    await guest.page.goto(link);
    await guest.page.getByText(words).waitFor();
    await guest.context.close();
  }
});

test("an insecure address leads to the secure one", async () => {
  const guest = await person(browser);
  await guest.context.addInitScript(() => {
    // What a page sees on http://192.168.…: no media devices, and it knows why.
    Object.defineProperty(navigator, "mediaDevices", { value: undefined });
    Object.defineProperty(window, "isSecureContext", { value: false });
  });
  await guest.page.goto(link);
  await guest.page.getByText("This address is not secure").waitFor();
  const address = await guest.page
    .getByRole("link", { name: "Open the secure address" })
    .getAttribute("href");
  assert.match(address, /^https:\/\/[^/]+:\d+\/j\/[a-z]{10}$/);
  // It is not made up: the same page is there, over https.
  await guest.page.goto(address);
  await guest.page.getByRole("heading", { name: /Ready to join/ }).waitFor();
  await guest.context.close();
});

test("a room for members only sends guests to sign in and brings them back", async () => {
  await host.page.goto(`${BASE}/rooms`);
  const members = await createRoom(host.page, "With account", "Members only");
  const guest = await person(browser);
  await guest.page.goto(members);
  await guest.page.getByLabel("Your name").fill("No Account");
  await guest.page.getByRole("button", { name: "Join now" }).click();
  const notice = guest.page.getByRole("alert").filter({ hasText: "Sign in to join this room" });
  await notice.getByRole("link", { name: "Sign in" }).click();
  assert.equal(new URL(guest.page.url()).searchParams.get("next"), new URL(members).pathname);
  await guest.context.close();
});

test("a server that is away is said so, and trying again works", async () => {
  const guest = await person(browser);
  await guest.page.goto(link);
  await guest.page.getByLabel("Your name").fill("Patient Guest");
  await guest.page.route("**/api/v1/rooms/*/join", (route) => route.abort());
  await guest.page.getByRole("button", { name: "Join now" }).click();
  await guest.page.getByRole("alert").filter({ hasText: "The server does not answer" }).waitFor();
  await guest.page.unroute("**/api/v1/rooms/*/join");
  await guest.page.getByRole("button", { name: "Try again" }).click();
  await guest.page.getByRole("region", { name: "Call controls" }).waitFor();
  await guest.context.close();
});

test("a full room and an expired permission are said so", async () => {
  for (const [status, code, words] of [
    [403, "room_full", "The room is full"],
    [410, "room_closed", "This room is closed"],
    [503, "media_unavailable", "Calls are not possible right now"],
  ]) {
    const guest = await person(browser);
    await guest.page.goto(link);
    await guest.page.getByLabel("Your name").fill("Late Guest");
    await guest.page.route("**/api/v1/rooms/*/join", (route) =>
      route.fulfill({
        status,
        contentType: "application/problem+json",
        body: JSON.stringify({ status, code, detail: "" }),
      }),
    );
    await guest.page.getByRole("button", { name: "Join now" }).click();
    await guest.page.getByRole("alert").filter({ hasText: words }).waitFor();
    await guest.context.close();
  }
});

test("a lost connection keeps the last pictures with a note, and the call goes on", async () => {
  await joinByLink(host.page, link);
  const guest = await person(browser);
  await joinByLink(guest.page, link, "Wobbly Guest");
  await until(
    "the guest sees the host",
    async () => (await framesDecoded(guest.page, "Eve Host")) > 5,
  );
  await guest.context.setOffline(true);
  // Signaling is dropped as a network does it: nobody says goodbye.
  await guest.page.evaluate(() => {
    for (const connection of window.testConnections) connection.close();
  });
  await guest.page
    .getByText(/Your device is offline|Connection lost/)
    .first()
    .waitFor({ timeout: 40_000 });
  await tile(guest.page, "Eve Host").locator("canvas").waitFor();
  await guest.context.setOffline(false);
  await guest.page.getByText("You are connected again.").first().waitFor({ timeout: 60_000 });
  await until(
    "the guest sees the host again",
    async () => (await framesDecoded(guest.page, "Eve Host")) > 5,
    30_000,
  );
  await until(
    "the host sees one guest",
    async () => (await tile(host.page, "Wobbly Guest").count()) === 1,
  );
  await until(
    "the host sees the guest again",
    async () => (await framesDecoded(host.page, "Wobbly Guest")) > 5,
    30_000,
  );
  await guest.context.close();
});
