// What a person does in the web app, by the roles and names they see. In: Playwright pages.
import { BASE } from "./chromium.js";

let accounts = 0;

/** An account nobody else has; `name` is what others see. */
export function newAccount(name) {
  accounts += 1;
  return {
    name,
    email: `${name.toLowerCase().replace(/\W+/g, "-")}-${process.pid}-${Date.now()}-${accounts}@example.org`,
    password: "correct horse battery",
  };
}

export async function signUp(page, account, base = BASE) {
  await page.goto(`${base}/signup`);
  await page.getByLabel("Your name").fill(account.name);
  await page.getByLabel("Email address").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.getByRole("heading", { name: "My rooms" }).waitFor();
}

export async function signIn(page, account, base = BASE) {
  await page.goto(`${base}/signin`);
  await page.getByLabel("Email address").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill(account.password);
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "My rooms" }).waitFor();
}

/** Creates a room on the rooms page and answers its link, as the clipboard has it. */
export async function createRoom(page, name, access = "Anyone with the link") {
  await page.getByRole("button", { name: "New room" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New room" });
  await dialog.getByLabel("Room name").fill(name);
  await dialog.getByRole("radio", { name: access }).check();
  await dialog.getByRole("button", { name: "Create room" }).click();
  await dialog.waitFor({ state: "detached" });
  await page.getByRole("button", { name: `Copy link of ${name}` }).click();
  await page.getByText("Link copied.").first().waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** What a date and time field takes: `minutes` from now, on the clock of the test's machine, which the browser shares. */
export function inMinutes(minutes) {
  const at = new Date(Date.now() + minutes * 60_000);
  const two = (value) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Schedules a meeting through the form and answers the link that it ends with. */
export async function schedule(page, { title, minutes = 5, repeat, access, emails = [] }) {
  await page.getByRole("link", { name: "Schedule a meeting" }).first().click();
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Start").fill(inMinutes(minutes));
  if (repeat) await page.getByLabel("Repeat").selectOption({ label: repeat });
  if (access) await page.getByLabel("Who may come in").selectOption({ label: access });
  await page.getByLabel("Invite people").fill(emails.join("\n"));
  await page.getByRole("button", { name: "Schedule meeting" }).click();
  await page.getByRole("heading", { name: `“${title}” is scheduled` }).waitFor();
  await page.getByRole("button", { name: "Copy link", exact: true }).click();
  await page.getByText("Link copied.").first().waitFor();
  return page.evaluate(() => navigator.clipboard.readText());
}

/** From the pre-join page into the call; a guest gives a name. */
export async function enterCall(page, guestName) {
  await page.getByRole("heading", { name: /Ready to join/ }).waitFor();
  if (guestName) await page.getByLabel("Your name").fill(guestName);
  await page.getByRole("button", { name: "Join now" }).click();
  await page.getByRole("region", { name: "Call controls" }).waitFor();
}

export async function joinByLink(page, link, guestName) {
  await page.goto(link);
  await enterCall(page, guestName);
}

/** The tile of `name`'s camera on somebody's page. */
export function tile(page, name) {
  return page.getByRole("figure", { name, exact: true });
}

export function leave(page) {
  return page.getByRole("button", { name: "Leave call" }).click();
}

/** Waits until `check` answers true; says `what` was awaited otherwise. Media has no event a test could wait for. */
export async function until(what, check, timeoutMs = 45_000) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    last = await check();
    if (last === true) return;
    if (Date.now() > end)
      throw new Error(`waited ${timeoutMs} ms for: ${what} (last: ${JSON.stringify(last)})`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}
