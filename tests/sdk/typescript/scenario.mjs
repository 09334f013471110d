// Makes one call by the SDK, and prints its result as JSON; see tests/sdk/scenario.py.
import { createInterface } from "node:readline";

import { AppendInput, AppendRecord } from "@s2-dev/streamstore";

import { connect } from "./client.mjs";

const [call, timeout, attempts, pauses] = process.argv.slice(2);
const s2 = connect({
  retry: {
    maxAttempts: Number(attempts),
    minBaseDelayMillis: 10,
    maxBaseDelayMillis: 100,
  },
  requestTimeoutMillis: Number(timeout) * 1000,
});
const stream = s2.basin("my-basin").stream("logs");
const bodies = [];

const batch = (number) => AppendInput.create([AppendRecord.string({ body: `batch-${number}` })]);

async function pause() {
  if (pauses === undefined) {
    return;
  }
  console.log(JSON.stringify({ paused: true }));
  const lines = createInterface({ input: process.stdin });
  await new Promise((resolve) => lines.once("line", resolve));
  lines.close();
}

const calls = {
  async append() {
    await stream.append(batch(0));
    await pause();
    await stream.append(batch(1));
    await stream.append(batch(2));
  },

  async session() {
    const session = await stream.appendSession();
    for (let number = 0; number < 3; number += 1) {
      if (number === 1) {
        await pause();
      }
      const ticket = await session.submit(batch(number));
      await ticket.ack();
    }
    await session.close();
  },

  async read() {
    const session = await stream.readSession({ start: { from: { seqNum: 0 } } });
    for await (const { body } of session) {
      bodies.push(body);
      if (bodies.length >= 10) {
        break;
      }
    }
  },
};

let error = "";
try {
  await calls[call]();
} catch (caught) {
  error = `${caught.name}: ${caught.message}`;
}
console.log(JSON.stringify({ error, bodies }));
process.exit();
