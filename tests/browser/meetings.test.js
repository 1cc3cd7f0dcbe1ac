// Meetings as people meet them: planned in the web app, answered from the mail, held, called off; and the codes that the same
// server mails. Runs a server of its own, with a mail server beside it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  enterCall,
  inMinutes,
  joinByLink,
  leave,
  newAccount,
  schedule,
  signIn,
  signUp,
  until,
} from "./support/app.js";
import { launch, person } from "./support/chromium.js";
import { linkIn, part, startMail } from "./support/mail.js";
import { framesDecoded } from "./support/media.js";
import { startServer } from "./support/server.js";

let browser;
let mail;
let server;
let host;
const hostAccount = newAccount("Mia Host");

const visitor = (options = {}) => person(browser, { base: server.url, ...options });

before(async () => {
  browser = await launch();
  mail = await startMail();
  server = await startServer(["--smtp-url", mail.url, "--mail-from", "Plenum <plenum@meet.test>"]);
  host = await visitor();
  await signUp(host.page, hostAccount, server.url);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  mail?.stop();
});

const status = (page, text) => page.getByRole("status").filter({ hasText: text });

test("a planned meeting is answered from the mail, and both join and see each other", async () => {
  const invited = newAccount("Ned Newcomer").email;
  await host.page.goto(`${server.url}/meetings`);
  await host.page.getByRole("heading", { name: "Nothing planned" }).waitFor();
  const access = "With an account; others wait";
  const link = await schedule(host.page, { title: "Planning", access, emails: [invited] });
  assert.match(link, new RegExp(`^${server.url}/j/[a-z]{10}$`));
  await host.page.getByText("1 person is invited by mail.").waitFor();

  const sent = await mail.wait(invited, "Invitation: Planning");
  const calendar = part(sent, "text/calendar").replace(/\r\n /g, "");
  assert.ok(calendar.includes(`URL:${link}`), calendar);
  assert.equal(linkIn(sent, `${server.url}/j/`), link);

  // Ned has no account: the link of the mail is enough to answer.
  const ned = await visitor();
  await ned.page.goto(linkIn(sent, `${server.url}/invites/`));
  await ned.page.getByText("Mia Host invites you").waitFor();
  await ned.page.getByRole("heading", { name: "Planning" }).waitFor();
  await status(ned.page, "You have not answered yet.").waitFor();
  await ned.page.getByRole("button", { name: "Accept" }).click();
  await status(ned.page, "You accepted.").waitFor();
  await ned.page.reload();
  assert.equal(
    await ned.page.getByRole("button", { name: "Accept" }).getAttribute("aria-pressed"),
    "true",
  );

  await host.page.getByRole("link", { name: "See the meeting" }).click();
  await host.page.getByRole("listitem").filter({ hasText: invited }).getByText("Comes").waitFor();
  await host.page.getByRole("link", { name: "Join meeting" }).click();
  await enterCall(host.page);

  await ned.page.getByRole("link", { name: "Join meeting" }).click();
  await ned.page.getByLabel("Your name").fill("Ned Newcomer");
  await ned.page.getByRole("button", { name: "Join now" }).click();
  await host.page.getByRole("button", { name: "Let Ned Newcomer in" }).click();
  await ned.page.getByRole("region", { name: "Call controls" }).waitFor();
  await until("Ned sees Mia", async () => (await framesDecoded(ned.page, "Mia Host")) > 0);
  await until("Mia sees Ned", async () => (await framesDecoded(host.page, "Ned Newcomer")) > 0);

  const other = await visitor();
  await signUp(other.page, newAccount("Oli Observer"), server.url);
  await other.page.goto(`${server.url}/meetings`);
  await other.page.getByRole("heading", { name: "Nothing planned" }).waitFor();
  await other.context.close();
  await leave(ned.page);
  await leave(host.page);
  await ned.context.close();
});

test("whoever makes an account from the invitation finds the meeting there", async () => {
  const account = newAccount("Pia Person");
  await host.page.goto(`${server.url}/meetings`);
  await schedule(host.page, { title: "Retrospective", minutes: 90, emails: [account.email] });
  const sent = await mail.wait(account.email, "Invitation: Retrospective");
  const pia = await visitor();
  await pia.page.goto(linkIn(sent, `${server.url}/invites/`));
  await pia.page.getByText(/You can join from/).waitFor();
  await pia.page.getByRole("main").getByRole("link", { name: "Create account" }).click();
  assert.equal(await pia.page.getByLabel("Email address").inputValue(), account.email);
  await pia.page.getByLabel("Your name").fill(account.name);
  await pia.page.getByLabel("Password", { exact: true }).fill(account.password);
  await pia.page.getByRole("button", { name: "Create account" }).click();
  await pia.page.getByRole("button", { name: "Maybe" }).click();
  await pia.page.getByRole("link", { name: "See it in your meetings" }).click();
  await status(pia.page, "You may come.").waitFor();
  await pia.page.getByText("Organized by Mia Host").waitFor();
  assert.equal(await pia.page.getByRole("button", { name: "Cancel meeting" }).count(), 0);

  // Signed in as somebody else, the link says whose it is.
  await host.page.goto(linkIn(sent, `${server.url}/invites/`));
  await host.page.getByText("This invitation is another account’s").waitFor();

  // The confirmation of the address, by its link, and signed out in between.
  const confirm = await mail.wait(account.email, "Confirm your address");
  await pia.page.goto(`${server.url}/meetings`);
  await pia.page.getByText("Confirm your address").waitFor();
  await pia.page.goto(linkIn(confirm, `${server.url}/verify#`));
  await pia.page.getByRole("button", { name: "Confirm address" }).click();
  await pia.page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  assert.ok(!pia.page.url().includes("#"), "the code stays in no address");
  await pia.context.close();
});

test("a repeated meeting is listed with its next time, and cancelling it reaches the invitation", async () => {
  const invited = newAccount("Quin").email;
  await host.page.goto(`${server.url}/meetings`);
  const about = { title: "Weekly", minutes: 60 * 24, repeat: "Every week", emails: [invited] };
  await schedule(host.page, about);
  const sent = await mail.wait(invited, "Invitation: Weekly");
  await host.page.goto(`${server.url}/meetings`);
  const row = host.page.getByRole("listitem").filter({ hasText: "Weekly" });
  await row.getByText("Every week").waitFor();
  await row.getByRole("link", { name: "Weekly" }).click();
  await host.page.getByRole("button", { name: "Cancel meeting" }).click();
  const dialog = host.page.getByRole("dialog", { name: "Cancel “Weekly”?" });
  await dialog.getByText("Every time of it is called off").waitFor();
  await dialog.getByRole("button", { name: "Cancel meeting" }).click();
  await host.page.getByText("This meeting was cancelled").waitFor();
  const quin = await visitor();
  await quin.page.goto(linkIn(sent, `${server.url}/invites/`));
  await quin.page.getByRole("heading", { name: "“Weekly” was cancelled" }).waitFor();
  await quin.page.goto(`${server.url}/invites/pm_nonsense`);
  await quin.page
    .getByRole("heading", { name: "This invitation does not work any more" })
    .waitFor();
  await quin.context.close();
});

test("the form says what is wrong at its field", async () => {
  const { page } = host;
  await page.goto(`${server.url}/meetings/new`);
  await page.getByLabel("Start").fill(inMinutes(-60));
  await page.getByLabel("Invite people").fill("ada@example.org, bob");
  await page.getByRole("button", { name: "Schedule meeting" }).click();
  await page.getByText("Fill in this field.").waitFor();
  await page.getByText("Choose a time that lies ahead.").waitFor();
  await page.getByText("“bob” is not an email address.").waitFor();
});

test("a meeting of others is not there, and signed out one is asked to sign in", async () => {
  const stranger = await visitor();
  const path = `${server.url}/meetings/0190d2a6-0000-7000-8000-000000000000`;
  await stranger.page.goto(path);
  await stranger.page.getByRole("heading", { name: "Sign in to see this meeting" }).waitFor();
  await stranger.page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await stranger.page.getByLabel("Email address").fill(hostAccount.email);
  await stranger.page.getByLabel("Password", { exact: true }).fill(hostAccount.password);
  await stranger.page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await stranger.page.getByRole("heading", { name: "This meeting is not here" }).waitFor();
  assert.equal(stranger.page.url(), path);
  await stranger.context.close();
});

test("a forgotten password is replaced by the link of the mail, once", async () => {
  const account = newAccount("Rea Forgetful");
  const rea = await visitor();
  await signUp(rea.page, account, server.url);
  await rea.page.getByRole("button", { name: "Sign out" }).click();
  await rea.page.goto(`${server.url}/signin`);
  await rea.page.getByRole("link", { name: "Forgot your password?" }).click();
  await rea.page.getByRole("heading", { name: "Set a new password" }).waitFor();
  await rea.page.getByLabel("Email address").fill(account.email);
  await rea.page.getByRole("button", { name: "Send code" }).click();
  await rea.page.getByText(/a mail with a code is on its way/).waitFor();
  const link = linkIn(await mail.wait(account.email, "Set a new password"), `${server.url}/reset#`);

  // The link works in any browser, not only in the one that asked.
  const elsewhere = await visitor();
  await elsewhere.page.goto(link);
  await elsewhere.page.getByText(`Choose a new password for ${account.email}.`).waitFor();
  assert.match(await elsewhere.page.getByLabel("Code").inputValue(), /^\d{6}$/);
  assert.ok(!elsewhere.page.url().includes("#"), "the code stays in no address");
  await elsewhere.page.getByLabel("New password").fill("short");
  await elsewhere.page.getByRole("button", { name: "Set password" }).click();
  await elsewhere.page.getByText("Use at least 8 characters.").waitFor();
  const fresh = "quite another password";
  await elsewhere.page.getByLabel("New password").fill(fresh);
  await elsewhere.page.getByRole("button", { name: "Set password" }).click();
  await elsewhere.page.getByRole("heading", { name: "Your new password is set" }).waitFor();
  await signIn(elsewhere.page, { ...account, password: fresh }, server.url);

  await rea.page.goto(link);
  await rea.page.getByLabel("New password").fill("a third password");
  await rea.page.getByRole("button", { name: "Set password" }).click();
  await rea.page.getByText(/This code does not work/).waitFor();
  await elsewhere.context.close();
  await rea.context.close();
});

test("a code by mail signs in by its link", async () => {
  const tia = await visitor();
  const account = newAccount("Tia Codes");
  await signUp(tia.page, account, server.url);
  await tia.page.getByRole("button", { name: "Sign out" }).click();
  await tia.page.goto(`${server.url}/signin?next=/meetings`);
  await tia.page.getByRole("link", { name: "Sign in with a code by mail" }).click();
  await tia.page.getByRole("heading", { name: "Sign in with a code" }).waitFor();
  await tia.page.getByLabel("Email address").fill(account.email);
  await tia.page.getByRole("button", { name: "Send code" }).click();
  await tia.page.getByLabel("Code").fill("000000");
  await tia.page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await tia.page.getByText(/This code does not work/).waitFor();
  const sent = await mail.wait(account.email, "sign-in code");
  await tia.page.goto(linkIn(sent, `${server.url}/signin/code#`));
  await tia.page.getByText(`Press the button to sign in as ${account.email}.`).waitFor();
  await tia.page.getByRole("main").getByRole("button", { name: "Sign in" }).click();
  await tia.page.getByRole("heading", { name: "My rooms" }).waitFor();

  // Which mails one gets is a choice that lasts.
  await tia.page.getByRole("link", { name: "Settings" }).click();
  const choice = tia.page.getByRole("checkbox", { name: "A meeting was cancelled" });
  const wanted = !(await choice.isChecked());
  await choice.setChecked(wanted);
  await until("the choice is kept", async () => {
    await tia.page.reload();
    await choice.waitFor();
    return (await choice.isChecked()) === wanted;
  });
  await tia.context.close();
});

test("an invitation to an organization is accepted after signing up with it", async () => {
  const account = newAccount("Uma Member");
  const request = (path, data) => host.page.request.post(`${server.url}/api/v1${path}`, { data });
  const org = await (await request("/organizations", { name: "Garden club" })).json();
  const made = await request(`/organizations/${org.id}/invites`, { email: account.email });
  assert.equal(made.status(), 201, await made.text());
  const sent = await mail.wait(account.email, "invites you to Garden club");
  const link = linkIn(sent, `${server.url}/organization-invites/`);
  const uma = await visitor();
  await uma.page.goto(link);
  await uma.page.getByRole("heading", { name: "Join Garden club" }).waitFor();
  await uma.page.getByRole("main").getByRole("link", { name: "Create account" }).click();
  await uma.page.getByLabel("Your name").fill(account.name);
  await uma.page.getByLabel("Password", { exact: true }).fill(account.password);
  await uma.page.getByRole("button", { name: "Create account" }).click();
  await uma.page.getByRole("button", { name: "Join", exact: true }).click();
  await uma.page.getByRole("heading", { name: "You are a member of Garden club" }).waitFor();
  await uma.page.goto(link);
  await uma.page.getByRole("heading", { name: "This invitation does not work any more" }).waitFor();
  const mine = await (await uma.page.request.get(`${server.url}/api/v1/organizations`)).json();
  assert.deepEqual(
    mine.items.map((item) => item.name),
    ["Garden club"],
  );
  await uma.context.close();
});

test("a link to join works for whoever has it", async () => {
  await host.page.goto(`${server.url}/meetings`);
  const about = { title: "Open house", access: "Anyone with the link" };
  const link = await schedule(host.page, about);
  const guest = await visitor();
  await joinByLink(guest.page, link, "Val Visitor");
  await guest.context.close();
});
