// The fixtures of `s2mock/vitest`.
import { test as base, type TestAPI } from "vitest";

import { type Account, type AccountOptions, S2Mock } from "./index.js";

let starting: Promise<S2Mock> | undefined;

export type Fixtures = {
  /** The server: the one of `globalSetup`, else one that this worker starts. */
  s2: S2Mock;
  /** An account for this test. At its end an unused fault or hold fails the test. */
  s2mock: Account;
};
/** The options of the accounts, or a function that returns them, such as with a snapshot that it takes once. */
export type Options = AccountOptions | ((s2: S2Mock) => AccountOptions | Promise<AccountOptions>);

type Named = { name: string; suite?: Named };

function nameOf({ name, suite }: Named): string {
  return suite?.name ? `${nameOf(suite)} > ${name}` : name;
}

export function testWith(options: Options = {}): TestAPI<Fixtures> {
  return base.extend<Fixtures>({
    s2: async ({}, use) => {
      starting ??= S2Mock.start();
      await use(await starting);
    },
    s2mock: async ({ s2, task }, use) => {
      const given = typeof options === "function" ? await options(s2) : options;
      const account = await s2.account({ name: nameOf(task as Named), ...given });
      await use(account);
      const failed = task.result?.state === "fail";
      // vitest prints it beside the test.
      if (failed) console.error(await account.report());
      await account.end({ failed });
    },
  });
}
