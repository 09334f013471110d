// Many small appends at once in one session, as the SDK's defaults allow.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AppendInput, AppendRecord } from "@s2-dev/streamstore";

import { connect } from "./client.mjs";

const APPENDS = Number(process.env.APPENDS);

test("a flood of small appends", async (t) => {
  // Nothing but the SDK's patience with a busy machine is other than it is by default.
  const s2 = connect({ retry: { requestTimeoutMillis: 100_000 } });
  const stream = s2.basin("my-basin").stream("logs", { forceTransport: "s2s" });
  t.after(() => stream.close());
  const session = await stream.appendSession();

  const tickets = [];
  for (let number = 0; number < APPENDS; number += 1) {
    tickets.push(
      await session.submit(AppendInput.create([AppendRecord.string({ body: `${number}` })])),
    );
  }
  const acks = await Promise.all(tickets.map((ticket) => ticket.ack()));
  await session.close();

  const expected = Array.from({ length: APPENDS }, (_, number) => number);
  assert.deepEqual(acks.map(({ start }) => start.seqNum), expected);
  assert.equal((await stream.checkTail()).tail.seqNum, APPENDS);
});
