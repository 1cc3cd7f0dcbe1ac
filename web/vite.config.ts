// Builds the browser app into `dist`, which the `plenum` binary embeds. Nothing is inlined into the page, so that
// a content security policy of `default-src 'self'` holds.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** A running `plenum` that the development server passes API and signaling requests to. */
const backend = process.env.PLENUM_URL ?? "http://localhost:7880";

export default defineConfig({
  plugins: [react()],
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
