// Fails the build if what a visitor loads first, or any part loaded later, is larger than agreed (KiB, gzip).
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const limits = { "first scripts": 260, "first styles": 45, "later script": 150 };
const dist = new URL("../dist/", import.meta.url);
const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1024;

const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", dist), "utf8"));
const first = { js: new Set(), css: new Set() };
(function take(name) {
  const chunk = manifest[name];
  if (first.js.has(chunk.file)) return;
  first.js.add(chunk.file);
  for (const file of chunk.css ?? []) first.css.add(file);
  for (const next of chunk.imports ?? []) take(next);
})("index.html");

const sum = (files) => [...files].reduce((total, file) => total + size(file), 0);
const found = [
  ["first scripts", "", sum(first.js)],
  ["first styles", "", sum(first.css)],
  ...readdirSync(new URL("assets/", dist))
    .map((file) => `assets/${file}`)
    .filter((file) => file.endsWith(".js") && !first.js.has(file))
    .map((file) => ["later script", file, size(file)]),
];
const said = new Set();
for (const [kind, file, value] of found.sort((left, right) => right[2] - left[2])) {
  const over = value > limits[kind];
  // The largest of a kind says enough.
  if (said.has(kind) && !over) continue;
  said.add(kind);
  console.log(`${value.toFixed(1).padStart(7)} of ${limits[kind]} KiB  ${kind} ${file}${over ? "  TOO LARGE" : ""}`);
  if (over) process.exitCode = 1;
}
