// The content security policy in a real browser: every page works under it without one violation, and it does hold. Also
// how the pages' files are sent.
import assert from "node:assert/strict";
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
import { framesDecoded } from "./support/media.js";

const NAMES = ["Pia Host", "Quin Guest"];

let browser;
let people;
const violations = [];

/** A window that notes what the policy forbids on any page it opens. */
async function watched() {
  const one = await person(browser);
  await one.context.exposeFunction("noteViolation", (text) => violations.push(text));
  await one.context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.noteViolation(
        `${location.pathname}: ${event.effectiveDirective} forbids ${event.blockedURI} (${event.sourceFile}:${event.lineNumber})`,
      );
    });
  });
  return one;
}

before(async () => {
  browser = await launch();
  people = [await watched(), await watched()];
});

after(async () => {
  await browser?.close();
});

/** What has been forbidden since the last time; events of a page that was left need a moment. */
async function forbidden(page) {
  await page.waitForTimeout(300);
  return violations.splice(0);
}

test("no page without an account violates the policy", async () => {
  const { page } = people[1];
  for (const [path, heading] of [
    ["/", /.+/],
    ["/signin", "Sign in"],
    ["/signup", /.+/],
    ["/setup?token=a-one-time-token", "Set up this server"],
    ["/nowhere", "There is no page here"],
    ["/j/bbbbbbbbbb", "There is no such room"],
  ]) {
    await page.goto(`${BASE}${path}`);
    await page.getByRole("heading", { name: heading }).first().waitFor();
    assert.deepEqual(await forbidden(page), [], path);
  }
});

test("the documentation of the API does not either", async () => {
  const { page } = people[1];
  await page.goto(`${BASE}/api/docs/`);
  await page.getByText("/api/v1/rooms").first().waitFor();
  assert.deepEqual(await forbidden(page), []);
});

test("neither do rooms, their dialogs, the call with a shared screen, and what comes after", async () => {
  const [host, guest] = people.map((one) => one.page);
  await signUp(host, newAccount(NAMES[0]));
  const link = await createRoom(host, "Strict meeting");
  await host.getByRole("button", { name: "Delete Strict meeting" }).click();
  await host.keyboard.press("Escape");
  await host.getByRole("link", { name: "Strict meeting", exact: true }).click();
  await host.getByRole("heading", { name: "Strict meeting" }).waitFor();
  assert.deepEqual(await forbidden(host), [], "rooms");
  await joinByLink(host, link);
  await guest.goto(link);
  await guest.getByText("We hear you.").waitFor();
  assert.deepEqual(await forbidden(guest), [], "before the call");
  await enterCall(guest, NAMES[1]);
  for (const [index, page] of [host, guest].entries()) {
    await until(
      "they see each other",
      async () => (await framesDecoded(page, NAMES[1 - index])) > 0,
    );
  }
  await host.keyboard.press("p");
  await host.keyboard.press("l");
  await host.getByRole("button", { name: "Share screen" }).click();
  const screen = `${NAMES[0]} shares the screen`;
  await until("the screen is seen", async () => (await framesDecoded(guest, screen)) > 0);
  await host.getByRole("button", { name: "More", exact: true }).click();
  await host.getByRole("menu").waitFor();
  await host.keyboard.press("Escape");
  assert.deepEqual(await forbidden(host), [], "the call");
  await leave(guest);
  await guest.getByRole("heading", { name: "You left the call" }).waitFor();
  assert.deepEqual(await forbidden(guest), [], "after the call");
  await leave(host);
});

test("the policy holds: a script that somebody slips in does not run", async () => {
  const { page } = people[1];
  await page.goto(BASE);
  await page.evaluate(() => {
    const script = document.createElement("script");
    script.textContent = "window.slippedIn = true";
    document.body.append(script);
    const image = document.createElement("img");
    image.setAttribute("onerror", "window.slippedIn = true");
    image.src = "/no-such-picture.png";
    document.body.append(image);
  });
  await until("the policy forbids it", async () => violations.length >= 2);
  assert.equal(await page.evaluate(() => window.slippedIn), undefined);
  assert.ok(violations.splice(0).every((text) => text.includes("script-src")));
});

test("files of the app come packed, are kept for ever, and never by their packed names", async () => {
  const page = await (await fetch(BASE)).text();
  const [, script] = page.match(/src="(\/assets\/[^"]+\.js)"/);
  const ask = (path, encoding) => fetch(BASE + path, { headers: { "accept-encoding": encoding } });
  const plain = await ask(script, "identity");
  const size = (await plain.arrayBuffer()).byteLength;
  assert.equal(plain.headers.get("content-encoding"), null);
  for (const [encoding, ending] of [
    ["br", ".br"],
    ["gzip", ".gz"],
  ]) {
    const packed = await ask(script, `${encoding}, deflate`);
    assert.equal(packed.headers.get("content-encoding"), encoding);
    assert.match(packed.headers.get("cache-control"), /immutable/);
    assert.match(packed.headers.get("vary"), /accept-encoding/i);
    assert.ok(Number(packed.headers.get("content-length")) < size / 2);
    assert.equal((await packed.arrayBuffer()).byteLength, size, "the same once unpacked");
    const known = await fetch(BASE + script, {
      headers: { "accept-encoding": encoding, "if-none-match": packed.headers.get("etag") },
    });
    assert.equal(known.status, 304);
    assert.equal((await ask(script + ending, "identity")).status, 404);
  }
});
