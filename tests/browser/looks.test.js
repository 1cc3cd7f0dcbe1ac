// Every page at desktop and phone width, light and dark: accessible (axe), no sideways scrolling, targets large enough
// to touch. The pictures are for people to look at.
import { after, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  leave,
  newAccount,
  schedule,
  signUp,
  until,
} from "./support/app.js";
import { BASE, launch, person } from "./support/chromium.js";
import { look } from "./support/looks.js";
import { linkIn, startMail } from "./support/mail.js";
import { framesDecoded } from "./support/media.js";
import { startServer } from "./support/server.js";

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

async function enterAgain(page) {
  await page.getByRole("button", { name: "Join again" }).click();
  await enterCall(page);
}

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

test("meetings where no mail is sent", async () => {
  const { page } = host;
  await page.getByRole("link", { name: "Meetings" }).click();
  await page.getByRole("heading", { name: "Nothing planned" }).waitFor();
  await look(page, "meetings-empty");
  await page.getByRole("link", { name: "Schedule a meeting" }).first().click();
  await page.getByLabel("Invite people").fill("nobody");
  await page.getByRole("button", { name: "Schedule meeting" }).click();
  await page.getByText("Fill in this field.").waitFor();
  await look(page, "schedule-errors");
  await page.goto(`${BASE}/meetings`);
  const emails = ["a-person-with-quite-a-long-name@example.org", "bo@example.org"];
  await schedule(page, { title: "Monday planning", emails });
  await page.getByRole("heading", { name: "Links to send" }).waitFor();
  await page.locator(".toast").first().waitFor({ state: "detached", timeout: 15_000 });
  await look(page, "scheduled-links");
  await page.goto(`${BASE}/reset`);
  await page.getByText("This server sends no mail").waitFor();
  await look(page, "reset-no-mail");
});

test("meetings, invitations and codes where mail is sent", async () => {
  const mail = await startMail();
  const server = await startServer(["--smtp-url", mail.url, "--mail-from", "Plenum <p@meet.test>"]);
  const visitor = (options) => person(browser, { base: server.url, ...options });
  try {
    const [owner, guest] = [await visitor(), await visitor({ timezoneId: "Asia/Tokyo" })];
    const account = newAccount("Gil Organizer");
    const invited = newAccount("Hugo Invited");
    await signUp(owner.page, account, server.url);
    await owner.page.goto(`${server.url}/meetings`);
    const title = "Quarterly review of everything that happened, with a title of more than a line";
    await schedule(owner.page, { title, minutes: 60 * 30, repeat: "Every week" });
    await owner.page.goto(`${server.url}/meetings`);
    await schedule(owner.page, { title: "Stand-up", emails: [invited.email, "eve@example.org"] });
    await owner.page.getByText("2 people are invited by mail.").waitFor();
    await owner.page.locator(".toast").first().waitFor({ state: "detached", timeout: 15_000 });
    await look(owner.page, "scheduled");
    await owner.page.goto(`${server.url}/meetings`);
    await owner.page.getByRole("link", { name: "Stand-up", exact: true }).waitFor();
    await look(owner.page, "meetings");

    const link = linkIn(await mail.wait(invited.email, "Stand-up"), `${server.url}/invites/`);
    await guest.page.goto(link);
    await guest.page.getByRole("heading", { name: "Stand-up" }).waitFor();
    await look(guest.page, "invitation");
    await guest.page.getByRole("button", { name: "Decline" }).click();
    await guest.page.getByText("You declined.").waitFor();
    await look(guest.page, "invitation-declined");
    await guest.page.getByRole("button", { name: "Accept" }).click();
    await guest.page.getByText("You accepted.").waitFor();
    await guest.page.getByRole("main").getByRole("link", { name: "Create account" }).click();
    await guest.page.getByLabel("Your name").fill(invited.name);
    await guest.page.getByLabel("Password", { exact: true }).fill(invited.password);
    await guest.page.getByRole("button", { name: "Create account" }).click();
    await guest.page.getByRole("button", { name: "Keep it with my meetings" }).waitFor();
    await look(guest.page, "invitation-keep");
    await guest.page.getByRole("button", { name: "Keep it with my meetings" }).click();
    await guest.page.getByRole("link", { name: "See it in your meetings" }).click();
    await guest.page.getByRole("heading", { name: "Who is invited" }).waitFor();
    await guest.page.getByText("Somebody without an account").waitFor();
    await look(guest.page, "meeting-invited");
    await owner.page.goto(link);
    await owner.page.getByText("This invitation is another account’s").waitFor();
    await look(owner.page, "invitation-other-account");
    await owner.page.goto(`${server.url}/meetings`);
    await owner.page.getByRole("link", { name: "Stand-up", exact: true }).click();
    await owner.page.getByText("Comes").waitFor();
    await look(owner.page, "meeting");
    await owner.page.getByRole("button", { name: "Cancel meeting" }).click();
    await look(owner.page, "meeting-cancel");
    const dialog = owner.page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Cancel meeting" }).click();
    await owner.page.getByText("This meeting was cancelled").waitFor();
    await owner.page.locator(".toast").first().waitFor({ state: "detached", timeout: 15_000 });
    await look(owner.page, "meeting-cancelled");
    await guest.page.goto(link);
    await guest.page.getByRole("heading", { name: "“Stand-up” was cancelled" }).waitFor();
    await look(guest.page, "invitation-cancelled");
    await guest.page.goto(`${server.url}/invites/pm_nonsense`);
    await guest.page.getByRole("heading", { name: /does not work any more/ }).waitFor();
    await look(guest.page, "invitation-gone");

    await guest.page.goto(`${server.url}/verify`);
    await guest.page.getByRole("heading", { name: "Confirm your address" }).waitFor();
    await look(guest.page, "verify");
    await guest.page.goto(`${server.url}/settings`);
    await guest.page.getByRole("checkbox").first().waitFor();
    await look(guest.page, "settings");
    const stranger = "/meetings/0190d2a6-0000-7000-8000-000000000000";
    await guest.page.goto(server.url + stranger);
    await guest.page.getByRole("heading", { name: "This meeting is not here" }).waitFor();
    await look(guest.page, "meeting-not-here");

    const request = (path, data) =>
      owner.page.request.post(`${server.url}/api/v1${path}`, { data });
    const org = await (await request("/organizations", { name: "Garden club" })).json();
    await request(`/organizations/${org.id}/invites`, { email: "new@example.org" });
    const asked = await mail.wait("new@example.org", "Garden club");
    const join = linkIn(asked, `${server.url}/organization-invites/`);
    await guest.page.goto(join);
    await guest.page.getByText("Sent to another address").waitFor();
    await look(guest.page, "organization-invitation-other");

    const nobody = await visitor();
    await nobody.page.goto(join);
    await nobody.page.getByRole("heading", { name: "Join Garden club" }).waitFor();
    await look(nobody.page, "organization-invitation");
    await nobody.page.goto(server.url + stranger);
    await nobody.page.getByRole("heading", { name: "Sign in to see this meeting" }).waitFor();
    await look(nobody.page, "meeting-signed-out");
    await nobody.page.goto(`${server.url}/signin`);
    await nobody.page.getByRole("link", { name: "Forgot your password?" }).waitFor();
    await look(nobody.page, "signin-mail");
    await nobody.page.goto(`${server.url}/signin/code#email=new%40example.org`);
    await nobody.page.getByLabel("Code").waitFor();
    await look(nobody.page, "signin-code");
    await nobody.page.goto(`${server.url}/reset#email=new%40example.org&code=123456`);
    await nobody.page.getByLabel("New password").fill("a new password");
    await nobody.page.getByRole("button", { name: "Set password" }).click();
    await nobody.page.getByText(/This code does not work/).waitFor();
    await look(nobody.page, "reset-refused");
    for (const { context } of [owner, guest, nobody]) await context.close();
  } finally {
    await server.stop();
    mail.stop();
  }
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

test("host controls and raised hands", async () => {
  const { page } = host;
  await guests[0].page.getByRole("button", { name: "Stop sharing", exact: true }).click();
  await guests[0].page.getByRole("button", { name: "Raise hand" }).click();
  await page.getByRole("img", { name: "Hand raised" }).first().waitFor();
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Lock call" }).click();
  await page.getByRole("button", { name: "Unlock call" }).waitFor();
  await page.getByRole("button", { name: "Actions for Gus Guest" }).click();
  await look(page, "call-person-menu");
  await page.getByRole("menuitem", { name: "Remove from the call" }).click();
  await page.getByRole("checkbox", { name: "Also keep them out of this room" }).check();
  await look(page, "call-remove");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Close people list" }).click();
});

test("chat", async () => {
  const { page } = host;
  const other = guests[0].page;
  await page.keyboard.press("c");
  await page.getByText("Nobody has written yet.").waitFor();
  await look(page, "chat-empty");
  await page.keyboard.press("Escape");
  await other.keyboard.press("c");
  const field = other.getByRole("textbox", { name: "Write a message" });
  await field.fill("The agenda: https://example.org/plans/2026/monday-meeting/agenda?draft=3");
  await field.press("Enter");
  await page.getByRole("button", { name: "Chat (1 new message)" }).waitFor();
  await look(page, "chat-unread");
  await page.keyboard.press("c");
  await page.route("**/messages", (route) => route.abort());
  await page.getByRole("textbox", { name: "Write a message" }).fill("Thanks!");
  await page.getByRole("button", { name: "Send message" }).click();
  await page.getByRole("alert").filter({ hasText: "Not sent." }).waitFor();
  await look(page, "chat");
  await page.keyboard.press("Escape");
});

test("after the call", async () => {
  await leave(host.page);
  await host.page.getByRole("heading", { name: "You left the call" }).waitFor();
  await look(host.page, "after");
  await enterAgain(host.page);
  await host.page.getByRole("button", { name: "Leave or end the call" }).click();
  await host.page.getByRole("menuitem", { name: "End call for everybody" }).click();
  await look(host.page, "call-end");
  await host.page.getByRole("button", { name: "End call", exact: true }).click();
  await guests[0].page.getByRole("heading", { name: "The call is over" }).waitFor();
  await look(guests[0].page, "after-ended");
});
