// Puts a compressed copy beside each file that gets shorter: the program sends it to browsers as it is.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const assets = new URL("../dist/assets/", import.meta.url);
for (const name of readdirSync(assets)) {
  const content = readFileSync(new URL(name, assets));
  const packed = gzipSync(content, { level: 9 });
  if (packed.length < content.length * 0.9) writeFileSync(new URL(`${name}.gz`, assets), packed);
}
