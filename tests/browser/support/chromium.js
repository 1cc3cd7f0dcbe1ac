// Starts Chromium as people use it, but with a made-up camera and microphone. In: what the test needs of it. Out: a
// Playwright browser. Each test file starts its own and closes it.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

export const BASE = (process.env.PLENUM_URL ?? "http://localhost:7880").replace(/\/$/, "");

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const directory of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of NAMES) {
      try {
        accessSync(join(directory, name), constants.X_OK);
        return join(directory, name);
      } catch {
        // Not here; look further.
      }
    }
  }
  throw new Error(`no Chromium on the PATH (${NAMES.join(", ")}); set CHROMIUM`);
}

const ALWAYS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--autoplay-policy=no-user-gesture-required",
  "--ignore-certificate-errors",
];

/** A made-up camera and microphone, allowed without asking; a shared screen is the tab with our own title. */
const DEVICES = [
  "--use-fake-ui-for-media-stream",
  "--use-fake-device-for-media-stream=device-count=1,fps=20",
  "--auto-select-desktop-capture-source=Entire screen",
];

export function launch({ devices = true, args = [] } = {}) {
  return chromium.launch({
    executablePath: findChromium(),
    headless: true,
    args: [...ALWAYS, ...(devices ? DEVICES : []), ...args],
  });
}

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 360, height: 740 };

/** A person's own browser window: cookies and storage of their own, 360p camera, media statistics within reach. */
export async function person(browser, options = {}) {
  const {
    base = BASE,
    permissions = ["camera", "microphone", "clipboard-read", "clipboard-write"],
    ...rest
  } = options;
  const context = await browser.newContext({ viewport: DESKTOP, ignoreHTTPSErrors: true, ...rest });
  await context.grantPermissions(permissions, { origin: new URL(base).origin });
  await context.addInitScript(() => {
    localStorage.setItem("plenum.video", "360p");
    const connections = [];
    window.testConnections = connections;
    const Native = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Native {
      constructor(...parameters) {
        super(...parameters);
        connections.push(this);
      }
    };
  });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    // A visitor without a session asks for one and is refused, which Chromium logs by itself.
    const expected = /\/api\/v1\/(me|auth\/refresh)$/.test(message.location().url);
    if (message.type() === "error" && !expected) complaints.push(`console: ${message.text()}`);
  });
  return { context, page, complaints };
}
