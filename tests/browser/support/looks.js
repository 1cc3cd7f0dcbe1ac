// Accessibility checks and pictures of pages. Pictures are for people to look at; they are not compared.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { DESKTOP, PHONE } from "./chromium.js";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const DIRECTORY =
  process.env.PLENUM_SCREENSHOTS ?? join(import.meta.dirname, "../../../target/screenshots");

// Not "region" (a best practice, no rule of WCAG): menus and tooltips are layers at the end of the body.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Fails with every violation of WCAG 2.2 AA that axe finds on the page as it is now. */
export async function checkAccessibility(page, what) {
  // Evaluated by the debugger, so that the page's content security policy does not apply to it.
  await page.evaluate(readFileSync(AXE, "utf8"));
  const violations = await page.evaluate(async (tags) => {
    const { violations: found } = await window.axe.run(document, {
      runOnly: tags,
      rules: { region: { enabled: false } },
    });
    return found.map(
      (rule) => `${rule.id}: ${rule.help} — ${rule.nodes.map((node) => node.html).join(" | ")}`,
    );
  }, RULES);
  assert.deepEqual(violations, [], `accessibility of ${what}`);
}

/** No page may scroll sideways, on a phone least of all. */
export async function checkWidth(page, what) {
  const [wide, available] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(wide <= available, `${what} is ${wide} px wide on ${available} px`);
}

/** Everything one can press is at least 44 px high and wide, links within text apart (WCAG 2.5.8, our own measure). */
export async function checkTouch(page, what) {
  const small = await page.evaluate(() =>
    [
      ...document.querySelectorAll(
        "button, select, input:not([type=radio], [type=checkbox]), a.button",
      ),
    ]
      .filter(
        (element) =>
          element.checkVisibility() && !element.closest(".sr-only") && !element.matches(".sr-only"),
      )
      .map((element) => ({ element, box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 44 || box.height < 44)
      .map(({ element, box }) => `${element.outerHTML.slice(0, 90)} ${box.width}×${box.height}`),
  );
  assert.deepEqual(small, [], `touch targets of ${what}`);
}

/** Pictures and checks of the page at both sizes and in both colour schemes. */
export async function look(page, name) {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [size, viewport] of [
    ["desktop", DESKTOP],
    ["phone", PHONE],
  ]) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // Layout follows the size through an observer; two frames settle it.
      await page.waitForTimeout(400);
      await page.screenshot({ path: join(DIRECTORY, `${name}-${size}-${colorScheme}.png`) });
      await checkAccessibility(page, `${name} (${size}, ${colorScheme})`);
    }
    await checkWidth(page, `${name} (${size})`);
    if (size === "phone") await checkTouch(page, name);
  }
  await page.setViewportSize(DESKTOP);
}

/** Pictures of what `people` have on screen now, named after the test `name`. */
export async function keepPictures(people, name) {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const [index, { page }] of people.entries()) {
    const file = `failed-${name.replace(/\W+/g, "-")}-${index}.png`;
    await page.screenshot({ path: join(DIRECTORY, file) }).catch(() => undefined);
  }
}
