import { defineConfig } from "vitest/config";

export default defineConfig({ test: { globalSetup: "s2mock/vitest", include: ["*.test.ts"] } });
