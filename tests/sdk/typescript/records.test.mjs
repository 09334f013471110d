// Everything on the records of a stream, over both transports of the SDK.
import assert from "node:assert/strict";
import { test } from "node:test";
import zlib from "node:zlib";

import {
  AppendInput,
  AppendRecord,
  BatchTransform,
  FencingTokenMismatchError,
  Producer,
  RangeNotSatisfiableError,
  SeqNumMismatchError,
} from "@s2-dev/streamstore";

import { connect, refused } from "./client.mjs";

const KEY = Uint8Array.from({ length: 32 }, (_, index) => index + 1);
const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);

// Node has zstd from 22.15 on, and without it the SDK has none either.
const CODINGS = zlib.zstdCompress === undefined ? ["none", "gzip"] : ["none", "gzip", "zstd"];

let basinsMade = 0;

for (const [forceTransport, compression] of [
  ...CODINGS.map((coding) => ["s2s", coding]),
  ["fetch", "none"],
]) {
  const s2 = connect({
    compression,
    retry: { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 },
  });
  const over = `over ${forceTransport}, ${compression}`;

  // A fresh basin.
  const fresh = async (config) => {
    basinsMade += 1;
    const basin = `records-${basinsMade}`;
    await s2.basins.create({ basin, config });
    return s2.basin(basin);
  };

  // A stream in a fresh basin. What is open is closed when the test ends.
  const logs = async (t, { config, ...options } = {}) => {
    const basin = await fresh(config);
    await basin.streams.create({ stream: "logs" });
    const stream = basin.stream("logs", { forceTransport, ...options });
    t.after(() => stream.close());
    return stream;
  };

  const text = (...bodies) => AppendInput.create(bodies.map((body) => AppendRecord.string({ body })));
  const seqNums = (records) => records.map(({ seqNum }) => seqNum);
  const bodies = (records) => records.map(({ body }) => body);

  // A session does not open, or ends, with this answer. Over fetch the SDK calls it its own.
  const ends = (call, status, code, message) =>
    refused(call, status, code, message, forceTransport === "fetch" ? "sdk" : "server");

  // The first `count` records of a session, which is then left.
  const take = async (session, count) => {
    const taken = [];
    const reader = session.getReader();
    while (taken.length < count) {
      const { done, value } = await reader.read();
      assert.ok(!done, `the session ended after ${taken.length} records`);
      taken.push(value);
    }
    reader.releaseLock();
    return taken;
  };
  const whole = async (session) => {
    const records = [];
    for await (const record of session) {
      records.push(record);
    }
    return records;
  };

  test(`append and tail, ${over}`, async (t) => {
    const stream = await logs(t);

    const first = await stream.append(text("a", "b"));
    const second = await stream.append(text("c"));

    assert.deepEqual([first.start.seqNum, first.end.seqNum, first.tail.seqNum], [0, 2, 2]);
    assert.deepEqual([second.start.seqNum, second.end.seqNum], [2, 3]);
    assert.deepEqual((await stream.checkTail()).tail, second.tail);
  });

  test(`text comes back as text, ${over}`, async (t) => {
    const stream = await logs(t);
    const headers = [["kind", "greeting"], ["ключ", ""]];
    const timestamp = 1000;
    await stream.append(
      AppendInput.create([
        AppendRecord.string({ body: "grüße 🙂", headers, timestamp }),
        AppendRecord.string({ body: "" }),
      ]),
    );

    const read = await stream.read({ start: { from: { seqNum: 0 } } });
    const session = await take(
      await stream.readSession({ start: { from: { seqNum: 0 } }, stop: { limits: { count: 2 } } }),
      2,
    );

    for (const records of [read.records, session]) {
      assert.deepEqual(bodies(records), ["grüße 🙂", ""]);
      assert.deepEqual(records[0].headers, headers);
      assert.equal(records[0].timestamp.getTime(), timestamp);
    }
  });

  test(`bytes come back as bytes, ${over}`, async (t) => {
    const stream = await logs(t);
    const headers = [[BYTES, new Uint8Array()], [new Uint8Array([255]), BYTES]];
    const input = AppendInput.create([AppendRecord.bytes({ body: BYTES, headers })]);
    await stream.append(input);
    const appends = await stream.appendSession();
    await (await appends.submit(input)).ack();
    await appends.close();

    const start = { from: { seqNum: 0 } };
    const read = await stream.read({ start }, { as: "bytes" });
    const session = await whole(
      await stream.readSession({ start, stop: { limits: { count: 2 } } }, { as: "bytes" }),
    );

    for (const records of [read.records, session]) {
      assert.deepEqual(seqNums(records), [0, 1]);
      for (const record of records) {
        // Of an inflated frame they are Buffers, which are Uint8Arrays, too.
        assert.deepEqual(Uint8Array.from(record.body), BYTES);
        assert.deepEqual(
          record.headers.map((pair) => pair.map((part) => Uint8Array.from(part))),
          headers,
        );
      }
    }
  });

  test(`an append session, ${over}`, async (t) => {
    const stream = await logs(t);
    const session = await stream.appendSession();

    const tickets = [];
    for (let number = 0; number < 20; number += 1) {
      tickets.push(await session.submit(text(`${number}`, "x".repeat(2000))));
    }
    const acks = await Promise.all(tickets.map((ticket) => ticket.ack()));
    await session.close();

    assert.deepEqual(acks.map(({ start }) => start.seqNum), tickets.map((_, index) => 2 * index));
    assert.deepEqual(session.lastAckedPosition(), acks.at(-1));
    const { records } = await stream.read({ start: { from: { seqNum: 0 } } });
    assert.equal(records.length, 40);
    assert.equal(records[38].body, "19");
    assert.equal(records[39].body, "x".repeat(2000));
  });

  test(`a producer, and a reader beside it, ${over}`, async (t) => {
    const stream = await logs(t);
    const count = 1100;
    const reading = (async () => {
      const session = await stream.readSession({
        start: { from: { seqNum: 0 } },
        stop: { limits: { count }, waitSecs: 60 },
      });
      return whole(session);
    })();

    const producer = new Producer(
      new BatchTransform({ maxBatchRecords: 100, lingerDurationMillis: 5, matchSeqNum: 0 }),
      await stream.appendSession(),
    );
    const tickets = [];
    for (let number = 0; number < count; number += 1) {
      tickets.push(await producer.submit(AppendRecord.string({ body: `${number}` })));
    }
    const acks = await Promise.all(tickets.map((ticket) => ticket.ack()));
    await producer.close();

    const expected = Array.from({ length: count }, (_, number) => number);
    assert.deepEqual(acks.map((ack) => ack.seqNum()), expected);
    const records = await reading;
    assert.deepEqual(seqNums(records), expected);
    assert.deepEqual(bodies(records), expected.map(String));
  });

  test(`where to start and to stop, ${over}`, async (t) => {
    const stream = await logs(t);
    await stream.append(
      AppendInput.create(
        [1000, 2000, 2000, 3000].map((timestamp) => AppendRecord.string({ body: "x", timestamp })),
      ),
    );
    const bounds = [
      [{ from: { seqNum: 1 } }, { limits: { count: 2 } }, [1, 2]],
      [{ from: { tailOffset: 3 } }, { limits: { bytes: 18 } }, [1, 2]],
      [{ from: { timestamp: 1001 } }, { untilTimestamp: 3000 }, [1, 2]],
      [{ from: { tailOffset: 99 } }, { limits: { count: 99 } }, [0, 1, 2, 3]],
    ];

    for (const [start, stop, expected] of bounds) {
      assert.deepEqual(seqNums((await stream.read({ start, stop })).records), expected);
      assert.deepEqual(seqNums(await whole(await stream.readSession({ start, stop }))), expected);
    }
  });

  test(`nothing is written there, ${over}`, async (t) => {
    const stream = await logs(t);
    const { tail } = await stream.append(text("a"));
    const input = { start: { from: { seqNum: 9 } } };

    const unwritten = (error) => {
      assert.ok(error instanceof RangeNotSatisfiableError, `${error}`);
      assert.equal(error.status, 416);
      assert.deepEqual(error.tail, tail);
      return true;
    };
    await assert.rejects(stream.read(input), unwritten);
    await assert.rejects(async () => whole(await stream.readSession(input)), unwritten);
  });

  test(`a session follows the tail, ${over}`, async (t) => {
    const stream = await logs(t);
    await stream.append(text("old"));
    const session = await stream.readSession({ start: { from: { seqNum: 0 } } });

    assert.deepEqual(bodies(await take(session, 1)), ["old"]);
    await session.caughtUp();
    assert.ok(session.isCaughtUp());
    for (const body of ["one", "two"]) {
      const { tail } = await stream.append(text(body));
      assert.deepEqual(bodies(await take(session, 1)), [body]);
      assert.deepEqual(await session.caughtUp(), tail);
    }
    await session.cancel();
  });

  test(`a clamped session begins at the tail, ${over}`, async (t) => {
    const stream = await logs(t);
    await stream.append(text("old"));
    const session = await stream.readSession({ start: { from: { seqNum: 99 }, clamp: true } });
    await session.caughtUp();

    await stream.append(text("new"));

    assert.deepEqual(seqNums(await take(session, 1)), [1]);
    await session.cancel();
  });

  test(`conditions, ${over}`, async (t) => {
    const stream = await logs(t);
    const record = [AppendRecord.string({ body: "a" })];
    await stream.append(
      AppendInput.create([AppendRecord.fence("mine")], { fencingToken: "", matchSeqNum: 0 }),
    );
    await stream.append(AppendInput.create(record, { fencingToken: "mine", matchSeqNum: 1 }));

    const fenced = AppendInput.create(record, { fencingToken: "yours" });
    const taken = AppendInput.create(record, { matchSeqNum: 1 });
    const session = async (input) => {
      const appends = await stream.appendSession();
      try {
        return await (await appends.submit(input)).ack();
      } finally {
        await appends.close().catch(() => {});
      }
    };
    for (const append of [(input) => stream.append(input), session]) {
      await assert.rejects(append(fenced), (error) => {
        assert.ok(error instanceof FencingTokenMismatchError, `${error}`);
        assert.equal(error.expectedFencingToken, "mine");
        return true;
      });
      await assert.rejects(append(taken), (error) => {
        assert.ok(error instanceof SeqNumMismatchError, `${error}`);
        assert.equal(error.expectedSeqNum, 2);
        return true;
      });
    }
    assert.equal((await stream.checkTail()).tail.seqNum, 2);
  });

  test(`trim, ${over}`, async (t) => {
    const stream = await logs(t);
    await stream.append(text("a", "b", "c"));
    await stream.append(AppendInput.create([AppendRecord.trim(2)]));
    await stream.append(text("d"));
    const input = { start: { from: { seqNum: 0 } }, stop: { limits: { count: 9 } } };

    const records = await whole(await stream.readSession(input));
    const data = await whole(await stream.readSession({ ...input, ignoreCommandRecords: true }));

    assert.deepEqual(seqNums(records), [2, 3, 4]);
    assert.deepEqual(bodies(data), ["c", "d"]);
  });

  test(`encryption, ${over}`, async (t) => {
    const stream = await logs(t, { config: { streamCipher: "aegis-256" }, encryptionKey: KEY });
    const input = { start: { from: { seqNum: 0 } }, stop: { limits: { count: 2 } } };
    await stream.append(text("a"));
    const appends = await stream.appendSession();
    await (await appends.submit(text("b"))).ack();
    await appends.close();

    assert.deepEqual(bodies((await stream.read(input)).records), ["a", "b"]);
    assert.deepEqual(bodies(await whole(await stream.readSession(input))), ["a", "b"]);
    const other = stream.withEncryptionKey(new Uint8Array(32));
    t.after(() => other.close());
    await refused(other.read(input), 400, "decryption_failed", "record decryption failed");
    const none = s2.basin(`records-${basinsMade}`).stream("logs", { forceTransport });
    t.after(() => none.close());
    await refused(none.read(input), 400, "bad_header", "missing encryption key");
    await refused(none.append(text("c")), 400, "bad_header", "missing encryption key");
    await ends(
      async () => whole(await none.readSession(input)),
      400,
      "bad_header",
      "missing encryption key",
    );
  });

  test(`auto-creation with a config, ${over}`, async (t) => {
    const basin = await fresh({ createStreamOnAppend: true, createStreamOnRead: true });
    const streamConfig = { retentionPolicy: { ageSecs: 60 } };
    const open = (name) => {
      const stream = basin.stream(name, { forceTransport });
      t.after(() => stream.close());
      return stream;
    };

    const record = AppendRecord.string({ body: "a" });
    await open("by/append").append(AppendInput.create([record], { streamConfig }));
    const appends = await open("by/session").appendSession({ streamConfig });
    await (await appends.submit(AppendInput.create([record]))).ack();
    await appends.close();
    const reads = await open("by/reading").readSession({ streamConfig });
    await reads.caughtUp();
    await reads.cancel();

    for (const stream of ["by/append", "by/session", "by/reading"]) {
      const { retentionPolicy } = await basin.streams.getConfig({ stream });
      assert.deepEqual(retentionPolicy, streamConfig.retentionPolicy, stream);
    }
  });

  test(`what is missing is not found, ${over}`, async (t) => {
    const stream = (await fresh()).stream("missing", { forceTransport });
    t.after(() => stream.close());
    for (const call of [
      () => stream.append(text("a")),
      () => stream.read(),
      () => stream.checkTail(),
    ]) {
      await refused(call, 404, "stream_not_found", "stream `missing` in basin ");
    }
    await ends(async () => whole(await stream.readSession()), 404, "stream_not_found");
  });

  test(`a deletion is seen by a follower, ${over}`, async (t) => {
    const basin = await fresh();
    await basin.streams.create({ stream: "logs" });
    const stream = basin.stream("logs", { forceTransport });
    t.after(() => stream.close());
    const session = await stream.readSession({ start: { from: { seqNum: 0 } } });
    await session.caughtUp();

    await basin.streams.delete({ stream: "logs" });

    // The deletion's own record, which trims everything.
    assert.deepEqual(seqNums(await take(session, 1)), [0]);
    await ends(take(session, 1), 404, "stream_not_found");
  });
}
