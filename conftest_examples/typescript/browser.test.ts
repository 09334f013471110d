import { S2Mock } from "s2mock";
import { expect, test } from "vitest";

import { inject } from "./browser.js";

test.concurrent("a page gets the answer that a test asks for", async () => {
  const s2 = await S2Mock.start();
  const account = await s2.account();
  await inject(account, { Fail: { code: "unavailable" } }, "list-basins");
  const headers = { authorization: `Bearer ${account.token}` };
  expect((await fetch(`${account.url}/v1/basins`, { headers })).status).toBe(503);
  await s2.stop();
});
