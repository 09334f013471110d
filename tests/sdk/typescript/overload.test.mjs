// Twice as many unary appends as the limits allow; a record that was refused is sent again.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AppendInput, AppendRecord, S2Error } from "@s2-dev/streamstore";

import { connect } from "./client.mjs";

const APPENDS = Number(process.env.APPENDS);
const WORKERS = 20;

test("unary appends above the limits", async () => {
  const s2 = connect({ retry: { minBaseDelayMillis: 1, maxBaseDelayMillis: 1 } });
  const stream = s2.basin("my-basin").stream("logs");
  let next = 0;
  async function work() {
    while (next < APPENDS) {
      const body = `${next}`;
      next += 1;
      for (;;) {
        try {
          await stream.append(AppendInput.create([AppendRecord.string({ body })]));
          break;
        } catch (error) {
          assert.ok(error instanceof S2Error, `${error}`);
          assert.equal(error.code, "rate_limited");
        }
      }
    }
  }
  await Promise.all(Array.from({ length: WORKERS }, work));
  assert.equal((await stream.checkTail()).tail.seqNum, APPENDS);
});
