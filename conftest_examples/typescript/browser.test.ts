import { expect, test } from "vitest";

import { inject } from "./browser.js";

const url = process.env.S2_ACCOUNT_ENDPOINT ?? "http://127.0.0.1:8080";

test.concurrent("a page gets the answer that a test asks for", async () => {
  await inject(url, { Fail: { code: "unavailable" } }, "list-basins");
  const headers = { authorization: `Bearer ${process.env.S2_ACCESS_TOKEN}` };
  expect((await fetch(`${url}/v1/basins`, { headers })).status).toBe(503);
});
