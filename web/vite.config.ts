// Builds the browser app into `dist`, which the `plenum` binary embeds. Nothing is inlined into the page, so that
// a content security policy of `default-src 'self'` holds.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/** A running `plenum` that the development server passes API and signaling requests to. */
const backend = process.env.PLENUM_URL ?? "http://localhost:7880";

/** Files whose content shrinks. */
const TEXT = /\.(css|html|js|json|map|svg|txt|webmanifest|xml|wasm)$/;
/** Below this the headers outweigh what is saved. */
const WORTH_BYTES = 1_024;

/** Puts `name.br` and `name.gz` beside every file that shrinks: the server sends them as they are. */
function precompress(): Plugin {
  let directory = "dist";
  return {
    name: "precompress",
    apply: "build",
    configResolved(config) {
      directory = join(config.root, config.build.outDir);
    },
    closeBundle() {
      for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name);
        if (!entry.isFile() || !TEXT.test(entry.name)) continue;
        const plain = readFileSync(path);
        if (plain.length < WORTH_BYTES) continue;
        const params = { [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
        for (const [suffix, packed] of [
          ["br", brotliCompressSync(plain, { params })],
          ["gz", gzipSync(plain, { level: 9 })],
        ] as const) {
          if (packed.length < plain.length) writeFileSync(`${path}.${suffix}`, packed);
        }
      }
    },
  };
}

export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // Names carry a content hash, so the server may let browsers keep everything under /assets for ever.
    assetsDir: "assets",
    reportCompressedSize: true,
    chunkSizeWarningLimit: 800,
  },
  server: {
    proxy: {
      "/api": { target: backend, changeOrigin: false },
      "/rtc": { target: backend, ws: true },
    },
  },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
