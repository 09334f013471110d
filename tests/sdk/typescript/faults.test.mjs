// What the SDK does when something goes wrong: each stream has its own fault, injected by the test
// that runs this file. A stream's name says which.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AppendInput, AppendRecord, S2Error } from "@s2-dev/streamstore";

import { connect } from "./client.mjs";

const delays = { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 };
const eager = connect({ retry: delays }).basin("my-basin");
const careful = connect({ retry: { ...delays, appendRetryPolicy: "noSideEffects" } }).basin("my-basin");

const input = AppendInput.create([AppendRecord.string({ body: "a" })]);

async function unary(stream) {
  return (await stream.append(input)).start.seqNum;
}

async function bySession(stream) {
  const session = await stream.appendSession();
  const ticket = await session.submit(input);
  const ack = await ticket.ack();
  await session.close();
  return ack.start.seqNum;
}

async function whole(stream, count) {
  const bodies = [];
  const session = await stream.readSession({
    start: { from: { seqNum: 0 } },
    stop: { limits: { count } },
  });
  for await (const { body } of session) {
    bodies.push(body);
  }
  return bodies;
}

for (const [way, append] of [["unary", unary], ["session", bySession]]) {
  const opened = async (basin, name, t, forceTransport = "s2s") => {
    const stream = basin.stream(`${name}-${way}`, { forceTransport });
    t.after(() => stream.close());
    return stream;
  };

  test(`a rate limit is waited for, ${way}`, async (t) => {
    assert.equal(await append(await opened(careful, "limited", t)), 0);
  });

  test(`a lost acknowledgement is an error for the careful, ${way}`, async (t) => {
    const stream = await opened(careful, "lost-careful", t);
    await assert.rejects(append(stream), (error) => error instanceof S2Error);
  });

  test(`a lost acknowledgement makes a duplicate, ${way}`, async (t) => {
    assert.equal(await append(await opened(eager, "lost", t)), 1);
  });

  // Over fetch, which is HTTP/1.1, it is a connection that was closed.
  test(`a refused stream is tried again where the SDK knows it from others, ${way}`, async (t) => {
    const stream = await opened(eager, "refused", t);
    if (way === "unary") {
      assert.equal(await append(stream), 0);
    } else {
      await assert.rejects(append(stream), /NGHTTP2_REFUSED_STREAM/);
    }
  });

  test(`a proxy is taken at its status, ${way}`, async (t) => {
    assert.equal(await append(await opened(eager, "proxy", t)), 0);
  });
}

// Over HTTP/2 a stream that is reset is the end, to this SDK; a connection that ends is not.
test("a reader is told that its stream was reset, over s2s", async (t) => {
  const stream = eager.stream("reset-s2s", { forceTransport: "s2s" });
  t.after(() => stream.close());
  await assert.rejects(whole(stream, 10), /NGHTTP2_INTERNAL_ERROR/);
});

const GOING_ON = { s2s: ["cut-between", "cut-inside", "failed", "dropped", "drained"] };
GOING_ON.fetch = ["reset", ...GOING_ON.s2s];

for (const transport of ["s2s", "fetch"]) {
  for (const name of GOING_ON[transport]) {
    test(`a reader goes on without gap or duplicate, ${name} over ${transport}`, async (t) => {
      const stream = eager.stream(`${name}-${transport}`, { forceTransport: transport });
      t.after(() => stream.close());
      const bodies = await whole(stream, 10);
      assert.deepEqual(bodies, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    });
  }
}

test("a writer reconnects when it is advised", async (t) => {
  const stream = careful.stream("advised", { forceTransport: "s2s" });
  t.after(() => stream.close());
  const session = await stream.appendSession();
  for (let number = 0; number < 6; number += 1) {
    const ticket = await session.submit(input);
    assert.equal((await ticket.ack()).start.seqNum, number);
  }
  await session.close();
});
