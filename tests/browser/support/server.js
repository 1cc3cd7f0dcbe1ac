// A whole server of its own with options that the common one has not, such as mail. In: options of `plenum serve`. Out: its
// address, and a way to stop it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./app.js";
import { BINARY, freePorts } from "./cluster.js";

const LIMITS = [
  "--requests-per-minute-user",
  "--requests-per-minute-address",
  "--sign-ins-per-minute",
];

export async function startServer(args = []) {
  const folder = mkdtempSync(join(tmpdir(), "plenum-server-"));
  const [port] = await freePorts(1);
  const url = `http://localhost:${port}`;
  const ports = ["--http-port", `${port}`, "--udp-port", `${port}`, "--https-port", "0"];
  const where = ["--data-dir", join(folder, "data"), "--bind", "127.0.0.1", "--workers", "1"];
  const limits = LIMITS.flatMap((limit) => [limit, "100000"]);
  const all = ["serve", ...ports, ...where, ...limits, "--public-url", url, ...args];
  const env = { PATH: process.env.PATH, HOME: process.env.HOME ?? "/" };
  const child = spawn(BINARY, all, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      said += data;
    });
  }
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(
      "the server is ready",
      async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.ok === true,
      60_000,
    );
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${said}`);
  }
  return { url, stop, output: () => said.slice(-20_000) };
}
