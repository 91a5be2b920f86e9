// How the window is built and served in development. The base is relative, so that it works under any path prefix.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const server = process.env.CRAWLSPACE_URL ?? "http://127.0.0.1:4420";
const proxy = Object.fromEntries(["/api", "/readyz", "/livez"].map((path) => [path, { target: server }]));

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: { target: "es2022", modulePreload: { polyfill: false }, assetsInlineLimit: 0, manifest: true },
  server: { proxy },
  preview: { proxy },
});
