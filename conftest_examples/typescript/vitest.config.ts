import { defineConfig } from "vitest/config";

// One server for all tests.
export default defineConfig({ test: { globalSetup: "s2mock/vitest" } });
