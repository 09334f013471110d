// Every operation on streams but those on their records.
import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, names, refused } from "./client.mjs";

const s2 = connect();

const SYSTEM_DEFAULTS = {
  storageClass: "express",
  retentionPolicy: { ageSecs: 604_800 },
  timestamping: { mode: "client-prefer", uncapped: false },
  deleteOnEmpty: { minAgeSecs: 0 },
};
const FULL = {
  storageClass: "standard",
  retentionPolicy: { infinite: {} },
  timestamping: { mode: "arrival", uncapped: true },
  deleteOnEmpty: { minAgeSecs: 60 },
};

let basinsMade = 0;

// The streams of a fresh basin.
async function fresh(config) {
  basinsMade += 1;
  const basin = `streams-${basinsMade}`;
  await s2.basins.create({ basin, config });
  return s2.basin(basin).streams;
}

test("create", async () => {
  const streams = await fresh();

  const info = await streams.create({ stream: "logs/application" });

  assert.equal(info.name, "logs/application");
  assert.ok(info.createdAt.getTime() > 0);
  assert.equal(info.deletedAt, null);
  assert.equal(info.cipher, null);
  assert.deepEqual(await streams.list(), { streams: [info], hasMore: false });
});

for (const stream of [
  "a/b/c", " ", "a b+c", "%", "%2F", "?x=1", "#", "&=", '"', "...", "日本語", "🙂", "é".repeat(256),
]) {
  test(`the name ${stream.slice(0, 8)} is found again`, async () => {
    const streams = await fresh();

    await streams.create({ stream, config: FULL });

    assert.deepEqual(await streams.getConfig({ stream }), FULL);
    assert.deepEqual(await streams.reconfigure({ stream }), FULL);
    assert.equal((await streams.ensure({ stream, config: FULL })).result, "noop");
    assert.deepEqual(await names(streams.listAll({ prefix: stream })), [stream]);
    await streams.delete({ stream });
    assert.deepEqual(await names(streams.listAll()), []);
  });
}

test("the config of a plain stream is resolved", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs" });

  assert.deepEqual(await streams.getConfig({ stream: "logs" }), SYSTEM_DEFAULTS);
});

test("a storage class is any text", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs", config: { storageClass: "my own" } });

  assert.equal((await streams.getConfig({ stream: "logs" })).storageClass, "my own");
});

test("basin defaults are inherited", async () => {
  const streams = await fresh({ defaultStreamConfig: FULL });
  await streams.create({ stream: "plain" });
  await streams.create({ stream: "own", config: { retentionPolicy: { ageSecs: 60 } } });

  assert.deepEqual(await streams.getConfig({ stream: "plain" }), FULL);
  assert.deepEqual(await streams.getConfig({ stream: "own" }), {
    ...FULL,
    retentionPolicy: { ageSecs: 60 },
  });
});

test("the cipher is that of the basin", async () => {
  const streams = await fresh({ streamCipher: "aes-256-gcm" });

  assert.equal((await streams.create({ stream: "logs" })).cipher, "aes-256-gcm");
});

test("create again is a conflict", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs" });

  await refused(
    streams.create({ stream: "logs" }),
    409,
    "resource_already_exists",
    "stream `logs` in basin ",
  );
});

test("create with an invalid config", async () => {
  const streams = await fresh();

  await refused(
    streams.create({ stream: "logs", config: { retentionPolicy: { ageSecs: 0 } } }),
    422,
    "invalid",
    "age must be greater than 0 seconds",
  );
  assert.deepEqual(await names(streams.listAll()), []);
});

test("create with a reserved name", async () => {
  const streams = await fresh();

  await refused(
    streams.create({ stream: ".." }),
    400,
    "bad_json",
    'stream name must not be "." or ".."',
  );
});

test("ensure creates, then leaves, then updates", async () => {
  const streams = await fresh();

  const created = await streams.ensure({ stream: "logs" });
  const noop = await streams.ensure({ stream: "logs", config: SYSTEM_DEFAULTS });
  const updated = await streams.ensure({ stream: "logs", config: FULL });

  assert.deepEqual([created.result, noop.result, updated.result], ["created", "noop", "updated"]);
  assert.deepEqual(noop.stream, created.stream);
  assert.deepEqual(updated.stream, created.stream);
  assert.deepEqual(await streams.getConfig({ stream: "logs" }), FULL);
});

test("ensure replaces the whole config", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs", config: FULL });

  assert.equal((await streams.ensure({ stream: "logs" })).result, "updated");
  assert.deepEqual(await streams.getConfig({ stream: "logs" }), SYSTEM_DEFAULTS);
});

test("list is in byte order and in pages", async () => {
  const streams = await fresh();
  for (const stream of ["é", "b", "B", "a/1", "a"]) {
    await streams.create({ stream });
  }

  const first = await streams.list({ limit: 3 });
  const second = await streams.list({ limit: 3, startAfter: "a/1" });

  assert.deepEqual(first.streams.map(({ name }) => name), ["B", "a", "a/1"]);
  assert.deepEqual(second.streams.map(({ name }) => name), ["b", "é"]);
  assert.deepEqual([first.hasMore, second.hasMore], [true, false]);
  assert.deepEqual(await names(streams.listAll({ limit: 2 })), ["B", "a", "a/1", "b", "é"]);
});

test("list with a prefix", async () => {
  const streams = await fresh();
  for (const stream of ["users/ca/0001", "users/eu/0001", "users/ca/0002"]) {
    await streams.create({ stream });
  }
  const prefix = "users/ca/";

  const { streams: rest } = await streams.list({ prefix, startAfter: "users/ca/0001" });

  assert.deepEqual(await names(streams.listAll({ prefix })), ["users/ca/0001", "users/ca/0002"]);
  assert.deepEqual(rest.map(({ name }) => name), ["users/ca/0002"]);
});

test("reconfigure changes what it names", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs", config: FULL });

  const config = await streams.reconfigure({
    stream: "logs",
    timestamping: { mode: "client-require" },
  });

  assert.deepEqual(config, { ...FULL, timestamping: { mode: "client-require", uncapped: true } });
  assert.deepEqual(await streams.getConfig({ stream: "logs" }), config);
});

test("reconfigure with null goes back to the basin's defaults", async () => {
  const streams = await fresh({ defaultStreamConfig: { retentionPolicy: { ageSecs: 60 } } });
  await streams.create({ stream: "logs", config: FULL });

  const config = await streams.reconfigure({
    stream: "logs",
    retentionPolicy: null,
    timestamping: null,
  });

  assert.deepEqual(config, {
    ...FULL,
    retentionPolicy: { ageSecs: 60 },
    timestamping: { mode: "client-prefer", uncapped: false },
  });
});

test("reconfigure with an invalid config", async () => {
  const streams = await fresh();
  await streams.create({ stream: "logs" });

  await refused(
    streams.reconfigure({ stream: "logs", retentionPolicy: { ageSecs: 0 } }),
    422,
    "invalid",
  );
});

test("what is missing is not found", async () => {
  const streams = await fresh();
  const stream = "missing";
  for (const call of [
    () => streams.getConfig({ stream }),
    () => streams.reconfigure({ stream }),
    () => streams.delete({ stream }),
  ]) {
    await refused(call, 404, "stream_not_found", "stream `missing` in basin ");
  }
});

test("in a missing basin", async () => {
  const { streams } = s2.basin("no-such-basin");
  const stream = "logs";
  for (const call of [
    () => streams.create({ stream }),
    () => streams.ensure({ stream }),
    () => streams.reconfigure({ stream }),
    () => streams.list(),
  ]) {
    await refused(call, 404, "basin_not_found", "basin `no-such-basin` not found");
  }
  for (const call of [() => streams.getConfig({ stream }), () => streams.delete({ stream })]) {
    await refused(call, 404, "stream_not_found");
  }
});

test("many at once", async () => {
  const streams = await fresh();
  const stream = Array.from({ length: 100 }, (_, number) => `logs/${100 + number}`);

  await Promise.all(stream.map((name) => streams.create({ stream: name })));

  assert.deepEqual(await names(streams.listAll()), stream);
});
