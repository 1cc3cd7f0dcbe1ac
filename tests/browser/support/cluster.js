// A control plane and media nodes as processes of their own, on free ports, with a folder that is removed at the end.
// In: how many nodes. Out: their address, their state, and ways to kill and drain them.
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { until } from "./app.js";

export const BINARY = resolve(
  process.env.PLENUM_BINARY ??
    join(
      process.env.CARGO_TARGET_DIR ?? join(import.meta.dirname, "../../../target"),
      "debug/plenum",
    ),
);

const KEYS = {
  PLENUM_INTERNAL_KEY: "INTcluster",
  PLENUM_INTERNAL_SECRET: "cluster-secret-cluster-secret-cluster-secret",
};

/** Ports below the range the kernel gives to outgoing connections; other servers of this test run lie below these. */
const FIRST_PORT = Number(process.env.PLENUM_CLUSTER_PORT ?? 30_000 + (process.pid % 200) * 10);

function isFree(port) {
  return new Promise((done) => {
    const server = createServer()
      .once("error", () => done(false))
      .once("listening", () => server.close(() => done(true)))
      .listen(port, "127.0.0.1");
  });
}

export async function freePorts(count) {
  const ports = [];
  for (let port = FIRST_PORT; ports.length < count; port += 1) {
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

export async function startCluster(count) {
  const folder = mkdtempSync(join(tmpdir(), "plenum-cluster-"));
  const [control, ...ports] = await freePorts(1 + count);
  const url = `http://localhost:${control}`;
  const env = { PATH: process.env.PATH, HOME: process.env.HOME ?? "/", ...KEYS };
  const said = [];
  const processes = new Map();

  const start = (name, args) => {
    const child = spawn(BINARY, [...args, "--https-port", "0", "--bind", "127.0.0.1"], {
      env,
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => said.push(`${name}: ${data}`));
    }
    processes.set(name, child);
    return child;
  };

  const cli = (...args) =>
    new Promise((done, fail) => {
      execFile(
        BINARY,
        [...args, "--control-plane-url", `http://127.0.0.1:${control}`],
        { env, cwd: folder },
        (error, stdout, stderr) => (error ? fail(new Error(stderr)) : done(stdout)),
      );
    });
  const nodes = async () => JSON.parse(await cli("node", "list", "--json"));

  const stop = async () => {
    for (const child of processes.values()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };

  const limits = ["user", "address"].flatMap((of) => [`--requests-per-minute-${of}`, "100000"]);
  const data = (name) => ["--data-dir", join(folder, name)];
  const main = ["serve", "--only", "control-plane", "--http-port", `${control}`];
  start("control plane", [
    ...main,
    ...data("control"),
    ...limits,
    "--sign-ins-per-minute",
    "100000",
  ]);
  for (const [index, port] of ports.entries()) {
    const where = ["--http-port", `${port}`, "--udp-port", `${port}`, "--workers", "1"];
    const whose = ["--control-plane-url", `http://127.0.0.1:${control}`];
    start(`node ${index}`, [
      "serve",
      "--only",
      "sfu",
      ...where,
      ...whose,
      ...data(`node-${index}`),
    ]);
  }
  try {
    await until(
      "all nodes are up",
      async () => {
        const known = await nodes().catch(() => []);
        return known.filter((node) => node.state === "up").length === count;
      },
      60_000,
    );
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${said.join("")}`);
  }

  return {
    url,
    cli,
    nodes,
    stop,
    output: () => said.join("").slice(-20_000),
    /** Kills the node that clients reach at `nodeUrl`, as a power cut would. */
    kill(nodeUrl) {
      const index = ports.indexOf(Number(new URL(nodeUrl).port));
      processes.get(`node ${index}`).kill("SIGKILL");
    },
  };
}
