// Accounts and rooms as a person meets them: sign up, sign out, sign in, rooms made and deleted, refusals in words.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createRoom, newAccount, signIn, signUp } from "./support/app.js";
import { BASE, launch, person } from "./support/chromium.js";

let browser;
let context;
let page;
const account = newAccount("Dora Owner");

before(async () => {
  browser = await launch();
  ({ context, page } = await person(browser));
});

after(async () => {
  await browser?.close();
});

test("signing up starts a session that a reload keeps, without a token in reach of scripts", async () => {
  await signUp(page, account);
  await page.reload();
  await page.getByRole("heading", { name: "My rooms" }).waitFor();
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
  );
  assert.doesNotMatch(stored, /token|secret|plenum_session|refresh/i);
  const cookies = await context.cookies();
  assert.ok(cookies.length > 0, "a session cookie is set");
  for (const cookie of cookies) assert.equal(cookie.httpOnly, true, `${cookie.name} is HttpOnly`);
});

test("an empty list says what to do, and a room can be made, found and deleted", async () => {
  await page.getByRole("heading", { name: "No rooms yet" }).waitFor();
  const link = await createRoom(page, "Garden club");
  await page.getByRole("link", { name: "Garden club", exact: true }).click();
  await page.getByRole("heading", { name: "Garden club" }).waitFor();
  await page.getByText(link, { exact: true }).waitFor();
  await page.goBack();
  await page.getByRole("button", { name: "Delete Garden club" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete room" }).click();
  await page.getByRole("heading", { name: "No rooms yet" }).waitFor();
  await page.goto(link);
  await page.getByRole("heading", { name: "There is no such room" }).waitFor();
});

test("a room without a name is refused in words", async () => {
  await page.goto(`${BASE}/rooms`);
  await page.getByRole("button", { name: "New room" }).first().click();
  const dialog = page.getByRole("dialog", { name: "New room" });
  await dialog.getByRole("button", { name: "Create room" }).click();
  await dialog.getByText("Fill in this field.").waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
});

test("signing out ends the session; the rooms page then asks to sign in and leads back", async () => {
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Video calls on your own server" }).waitFor();
  await page.goto(`${BASE}/rooms`);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.getByLabel("Email address").fill(account.email);
  await page.getByLabel("Password", { exact: true }).fill("not the password");
  await page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The email address or the password is wrong.").waitFor();
  await signIn(page, account);
});

test("a taken address, a bad address and a short password are each said at their field", async () => {
  const other = await person(browser);
  await other.page.goto(`${BASE}/signup`);
  const submit = other.page.getByRole("button", { name: "Create account" });
  await other.page.getByLabel("Your name").fill("Dora Double");
  await other.page.getByLabel("Email address").fill("no address");
  await other.page.getByLabel("Password", { exact: true }).fill("short");
  await submit.click();
  await other.page.getByText("Write an email address").waitFor();
  await other.page.getByText("Use at least 8 characters.").waitFor();
  await other.page.getByLabel("Email address").fill(account.email);
  await other.page.getByLabel("Password", { exact: true }).fill(account.password);
  await submit.click();
  await other.page.getByText("There is already an account with this email address.").waitFor();
  await other.context.close();
});

test("the start page takes a code and a link, and refuses anything else", async () => {
  const link = await createRoom(page, "By code");
  await page.goto(BASE);
  const field = page.getByLabel("Room code or link");
  const go = page.getByRole("button", { name: "Join", exact: true });
  await field.fill("hello?");
  await go.click();
  await page.getByText("This does not look like a room code").waitFor();
  await field.fill(link.split("/").at(-1).toUpperCase());
  await go.click();
  await page.getByRole("heading", { name: "Ready to join By code?" }).waitFor();
});

test("the one-time link of the server explains itself when it is incomplete or used", async () => {
  const other = await person(browser);
  await other.page.goto(`${BASE}/setup`);
  await other.page.getByText("This link is incomplete.").waitFor();
  await other.page.goto(`${BASE}/setup?token=long-gone`);
  await other.page.getByLabel("Your name").fill("Late Admin");
  await other.page.getByLabel("Email address").fill(newAccount("late").email);
  await other.page.getByLabel("Password", { exact: true }).fill("correct horse battery");
  await other.page.getByRole("button", { name: "Create administrator account" }).click();
  await other.page.getByText("This one-time link is not valid any more.").waitFor();
  await other.context.close();
});
