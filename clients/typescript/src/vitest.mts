// vitest: `globalSetup: "s2mock/vitest"` starts one server for all workers, and `test` of this module gives
// each test the account `s2mock`.
import type { TestAPI } from "vitest";

import type { Fixtures, Options } from "./fixture.mjs";
import { setup } from "./setup.js";

export type { Fixtures, Options } from "./fixture.mjs";
export type { Account, AccountOptions } from "./index.js";

/** The `globalSetup`: it starts the server, and returns the function that stops it. */
export default setup;

// A globalSetup runs outside of the workers, where vitest itself cannot be imported.
const fixture = process.env["VITEST_WORKER_ID"] === undefined ? undefined : await import("./fixture.mjs");

/**
 * vitest's `test` with the fixtures `s2mock`, an account with these options, and `s2`, the server:
 * `const test = testWith({ basins: ["my-basin"], clock: "manual" })`.
 */
export function testWith(options: Options = {}): TestAPI<Fixtures> {
  if (fixture === undefined) throw new Error("s2mock/vitest has fixtures in the files of tests only");
  return fixture.testWith(options);
}

/** vitest's `test` with the fixtures `s2mock`, an account of its own, and `s2`, the server. */
export const test: TestAPI<Fixtures> = fixture === undefined ? (undefined as never) : fixture.testWith();
