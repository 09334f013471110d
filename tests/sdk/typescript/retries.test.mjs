// For a server that carries out the first two requests of each name and loses the answers.
import assert from "node:assert/strict";
import { test } from "node:test";

import { connect } from "./client.mjs";

const s2 = connect({ retry: { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 } });

test("a retry of create finds what the first attempt made", async () => {
  const basin = await s2.basins.create({ basin: "retried-basin" });
  const stream = await s2.basin("retried-basin").streams.create({ stream: "logs" });

  assert.equal(basin.name, "retried-basin");
  assert.equal(stream.name, "logs");
});
