// Tests of single modules and components; those of the whole against the real server are in e2e/.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { environment: "happy-dom", isolate: false, include: ["src/**/*.test.{ts,tsx}"] },
});
