// Three people in one call through the web app: everybody sees and hears everybody; what one does, the others see.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import {
  createRoom,
  enterCall,
  joinByLink,
  leave,
  newAccount,
  signUp,
  tile,
  until,
} from "./support/app.js";
import { launch, person } from "./support/chromium.js";
import { keepPictures } from "./support/looks.js";
import { audioEnergies, framesDecoded, pictureSize, soundingStreams } from "./support/media.js";
import { speech } from "./support/speech.js";

const NAMES = ["Ada Host", "Ben Guest", "Cleo Guest"];
let browser;
let people;
let link;

before(async () => {
  browser = await launch({ args: [`--use-file-for-fake-audio-capture=${speech()}`] });
  people = await Promise.all(NAMES.map(() => person(browser)));
  await signUp(people[0].page, newAccount(NAMES[0]));
  link = await createRoom(people[0].page, "Monday meeting");
});

after(async () => {
  await browser?.close();
});

// What everybody saw when a test failed.
afterEach(async (context) => {
  if (context.passed === false) await keepPictures(people, context.name);
});

const others = (index) => NAMES.filter((_, other) => other !== index);

/** Every page decodes fresh frames of everybody else. */
async function everybodySeesEverybody() {
  for (const [index, { page }] of people.entries()) {
    for (const name of others(index)) {
      await tile(page, name).waitFor();
      await until(
        `${NAMES[index]} decodes ${name}`,
        async () => (await framesDecoded(page, name)) > 0,
        30_000,
      );
      const first = await framesDecoded(page, name);
      await until(
        `${NAMES[index]} goes on decoding ${name}`,
        async () => (await framesDecoded(page, name)) >= first + 20,
        30_000,
      );
    }
  }
}

async function everybodyHearsEverybody() {
  for (const [index, { page }] of people.entries()) {
    const first = await audioEnergies(page);
    await until(
      `${NAMES[index]} hears ${others(index).join(" and ")}`,
      async () => soundingStreams(first, await audioEnergies(page)) === 2 || audioEnergies(page),
      30_000,
    );
  }
}

test("a host and two guests see and hear each other", async (context) => {
  assert.match(link, /\/j\/[a-z]{10}$/);
  await joinByLink(people[0].page, link);
  await joinByLink(people[1].page, link, NAMES[1]);
  await joinByLink(people[2].page, link, NAMES[2]);
  await everybodySeesEverybody();
  await everybodyHearsEverybody();
  for (const [index, { page }] of people.entries()) {
    const counts = [];
    for (const name of others(index)) {
      const { width, height } = await pictureSize(page, name);
      counts.push(`${name} ${await framesDecoded(page, name)} frames at ${width}×${height}`);
    }
    context.diagnostic(`${NAMES[index]} decoded: ${counts.join(", ")}`);
  }
});

test("who speaks is marked on the others' pages", async () => {
  for (const [index, { page }] of people.entries()) {
    for (const name of others(index)) {
      await until(`${NAMES[index]} sees ${name} speak`, async () =>
        (await tile(page, name).getAttribute("class")).includes("speaking"),
      );
    }
  }
});

test("the people list has everybody", async () => {
  const { page } = people[1];
  await page.keyboard.press("p");
  const panel = page.getByRole("complementary", { name: "People" });
  await panel.getByRole("heading", { name: "People (3)" }).waitFor();
  assert.equal(await panel.getByRole("listitem").count(), 3);
  await panel.getByRole("button", { name: "Close people list" }).click();
  await panel.waitFor({ state: "detached" });
});

test("a mute is seen and heard by the others, and so is its end", async () => {
  const [ada, ben, cleo] = people.map(({ page }) => page);
  await ben.getByRole("button", { name: "Mute microphone" }).click();
  for (const page of [ada, cleo]) {
    await tile(page, NAMES[1]).getByRole("img", { name: "Microphone off" }).waitFor();
    await until(
      "a muted person is not marked as speaking",
      async () => !(await tile(page, NAMES[1]).getAttribute("class")).includes("speaking"),
    );
    await until("only the third person is heard", async () => {
      const first = await audioEnergies(page);
      await page.waitForTimeout(1_500);
      return soundingStreams(first, await audioEnergies(page)) === 1;
    });
  }
  await ben.keyboard.press("m");
  for (const page of [ada, cleo]) {
    await tile(page, NAMES[1])
      .getByRole("img", { name: "Microphone off" })
      .waitFor({ state: "detached" });
  }
  await everybodyHearsEverybody();
});

test("a camera that is turned off leaves a tile without video, and comes back", async () => {
  const [ada, ben] = people.map(({ page }) => page);
  await ben.getByRole("button", { name: "Turn off camera" }).click();
  await tile(ada, NAMES[1]).locator("video").waitFor({ state: "detached" });
  await ben.getByRole("button", { name: "Turn on camera" }).click();
  await until("the picture is back", async () => (await framesDecoded(ada, NAMES[1])) > 0);
});

test("a device that is unplugged gives way to another, with a word about it", async () => {
  const { page } = people[2];
  await page.getByRole("button", { name: "Microphone and speaker" }).click();
  await page.getByRole("menuitemradio", { name: "Fake Audio Input 2" }).click();
  await page.getByRole("button", { name: "Microphone and speaker" }).click();
  await page.getByRole("menuitemradio", { name: "Fake Audio Input 2", checked: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.evaluate(async () => {
    const { mediaDevices } = navigator;
    const all = await mediaDevices.enumerateDevices();
    let plugged = all.filter((device) => device.label !== "Fake Audio Input 2");
    mediaDevices.enumerateDevices = async () => plugged;
    mediaDevices.dispatchEvent(new Event("devicechange"));
    window.plugIn = () => {
      plugged = all;
      mediaDevices.dispatchEvent(new Event("devicechange"));
    };
  });
  await page
    .getByText(/Fake Audio Input 2 was unplugged. Now using Fake Default Audio Input/)
    .first()
    .waitFor();
  await page.evaluate(() => window.plugIn());
  await page.getByText("Fake Audio Input 2 was plugged in.").first().waitFor();
  await page.getByRole("button", { name: "Use it" }).click();
  await everybodyHearsEverybody();
});

test("a shared screen arrives at the others", async () => {
  const [ada, ben, cleo] = people.map(({ page }) => page);
  await ada.getByRole("button", { name: "Share screen" }).click();
  await ada.getByText("Everybody sees your screen.").waitFor();
  const name = `${NAMES[0]} shares the screen`;
  for (const page of [ben, cleo]) {
    await tile(page, name).waitFor();
    await until("the screen is decoded", async () => (await framesDecoded(page, name)) > 0, 30_000);
  }
  await ada.getByRole("button", { name: "Stop sharing", exact: true }).click();
  for (const page of [ben, cleo]) await tile(page, name).waitFor({ state: "detached" });
});

test("the speaker view shows one person large, and the grid comes back", async () => {
  const { page } = people[2];
  await page.keyboard.press("l");
  await page.getByRole("region", { name: "Other people" }).waitFor();
  await page.keyboard.press("l");
  await page.getByRole("region", { name: "Other people" }).waitFor({ state: "detached" });
});

test("a reload is seen as one person who comes back, without a ghost", async () => {
  const [ada, ben] = people.map(({ page }) => page);
  await ben.reload();
  await tile(ada, NAMES[1]).waitFor({ state: "detached" });
  await enterCall(ben, NAMES[1]);
  await tile(ada, NAMES[1]).waitFor();
  assert.equal(await tile(ada, NAMES[1]).count(), 1);
  await everybodySeesEverybody();
});

test("a second tab of the same person joins muted, and both stay", async () => {
  const { context, page } = people[0];
  const second = await context.newPage();
  await joinByLink(second, link);
  await second.getByText("You are in this call in another tab too").first().waitFor();
  await second.getByRole("button", { name: "Unmute microphone" }).waitFor();
  await until(
    "the second tab has its own seat",
    async () => (await tile(page, NAMES[0]).count()) === 1,
  );
  await leave(second);
  await second.close();
  await tile(page, NAMES[0]).waitFor({ state: "detached" });
});

test("leaving is seen by the others and ends on the after-call page", async () => {
  const [ada, ben, cleo] = people.map(({ page }) => page);
  await leave(cleo);
  await cleo.getByRole("heading", { name: "You left the call" }).waitFor();
  for (const name of others(2))
    await cleo.getByRole("listitem").filter({ hasText: name }).first().waitFor();
  for (const page of [ada, ben]) await tile(page, NAMES[2]).waitFor({ state: "detached" });
  await cleo.getByRole("button", { name: "Join again" }).click();
  await enterCall(cleo, NAMES[2]);
  await tile(ada, NAMES[2]).waitFor();
});

test("nothing was logged as an error", () => {
  for (const [index, { complaints }] of people.entries()) {
    assert.deepEqual(complaints, [], `console of ${NAMES[index]}`);
  }
});
