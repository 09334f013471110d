// Every operation on basins.
import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, names, refused } from "./client.mjs";

const { basins } = connect();

const FULL = {
  defaultStreamConfig: {
    storageClass: "standard",
    retentionPolicy: { infinite: {} },
    timestamping: { mode: "client-require", uncapped: true },
    deleteOnEmpty: { minAgeSecs: 3600 },
  },
  streamCipher: "aegis-256",
  createStreamOnAppend: true,
  createStreamOnRead: true,
};

test("create", async () => {
  const info = await basins.create({ basin: "create-plain" });

  assert.equal(info.name, "create-plain");
  assert.ok(info.createdAt.getTime() > 0);
  assert.equal(info.deletedAt, null);
  const { basins: listed, hasMore } = await basins.list({ prefix: "create-plain" });
  assert.deepEqual(listed, [info]);
  assert.equal(hasMore, false);
});

test("a config in full comes back", async () => {
  await basins.create({ basin: "create-full", config: FULL });

  assert.deepEqual(await basins.getConfig({ basin: "create-full" }), FULL);
});

test("the config of a plain basin", async () => {
  await basins.create({ basin: "config-plain" });

  assert.deepEqual(await basins.getConfig({ basin: "config-plain" }), {
    defaultStreamConfig: null,
    streamCipher: null,
    createStreamOnAppend: false,
    createStreamOnRead: false,
  });
});

test("a location", async () => {
  const info = await basins.create({ basin: "create-location", location: "aws:us-west-2" });

  assert.equal(info.location, "aws:us-west-2");
});

test("create again is a conflict", async () => {
  await basins.create({ basin: "create-again" });

  await refused(
    basins.create({ basin: "create-again" }),
    409,
    "resource_already_exists",
    "basin `create-again` already exists",
  );
});

test("create with an invalid config", async () => {
  const config = { defaultStreamConfig: { retentionPolicy: { ageSecs: 0 } } };

  await refused(
    basins.create({ basin: "create-invalid", config }),
    422,
    "invalid",
    "age must be greater than 0 seconds",
  );
  assert.deepEqual(await names(basins.listAll({ prefix: "create-invalid" })), []);
});

test("create with an invalid name", async () => {
  for (const basin of ["short", "b".repeat(49), "Upper-case", "under_score", "-begin-with", "end-with-"]) {
    await refused(basins.create({ basin }), 400, "bad_json", "basin name ");
  }
});

test("create at an invalid location", async () => {
  await refused(
    basins.create({ basin: "create-nowhere", location: "under the sea" }),
    400,
    "bad_json",
    "location name must comprise ASCII letters",
  );
});

test("ensure creates, then leaves, then updates", async () => {
  const created = await basins.ensure({ basin: "ensure-basin" });
  const noop = await basins.ensure({ basin: "ensure-basin" });
  const updated = await basins.ensure({ basin: "ensure-basin", config: FULL });

  assert.deepEqual([created.result, noop.result, updated.result], ["created", "noop", "updated"]);
  assert.deepEqual(noop.basin, created.basin);
  assert.deepEqual(updated.basin, created.basin);
  assert.deepEqual(await basins.getConfig({ basin: "ensure-basin" }), FULL);
});

test("ensure replaces the whole config", async () => {
  await basins.create({ basin: "ensure-replace", config: FULL });

  await basins.ensure({ basin: "ensure-replace", config: { createStreamOnRead: true } });

  assert.deepEqual(await basins.getConfig({ basin: "ensure-replace" }), {
    defaultStreamConfig: null,
    streamCipher: null,
    createStreamOnAppend: false,
    createStreamOnRead: true,
  });
});

test("ensure with the config that get returns changes nothing", async () => {
  await basins.create({ basin: "ensure-same", config: FULL });

  const config = await basins.getConfig({ basin: "ensure-same" });

  assert.equal((await basins.ensure({ basin: "ensure-same", config })).result, "noop");
});

test("ensure with a location", async () => {
  const { result, basin } = await basins.ensure({
    basin: "ensure-location",
    location: "aws:us-east-1",
  });

  assert.equal(result, "created");
  assert.equal(basin.location, "aws:us-east-1");
});

test("list is in order and in pages", async () => {
  for (const number of [3, 1, 5, 2, 4]) {
    await basins.create({ basin: `list-pages-${number}` });
  }
  const prefix = "list-pages-";

  const first = await basins.list({ prefix, limit: 2 });
  const second = await basins.list({ prefix, limit: 2, startAfter: "list-pages-2" });
  const third = await basins.list({ prefix, limit: 2, startAfter: "list-pages-4" });

  assert.deepEqual(
    [first, second, third].map((page) => page.basins.map(({ name }) => name)),
    [["list-pages-1", "list-pages-2"], ["list-pages-3", "list-pages-4"], ["list-pages-5"]],
  );
  assert.deepEqual([first, second, third].map(({ hasMore }) => hasMore), [true, true, false]);
  assert.deepEqual(
    await names(basins.listAll({ prefix, limit: 2 })),
    [1, 2, 3, 4, 5].map((number) => `list-pages-${number}`),
  );
});

test("list with an invalid prefix", async () => {
  await refused(basins.list({ prefix: "Upper" }), 400, "bad_query");
});

test("reconfigure changes what it names", async () => {
  await basins.create({ basin: "reconfigure-some", config: FULL });

  const config = await basins.reconfigure({
    basin: "reconfigure-some",
    defaultStreamConfig: {
      retentionPolicy: { ageSecs: 86_400 },
      timestamping: { uncapped: false },
    },
    createStreamOnRead: false,
  });

  assert.deepEqual(config, {
    ...FULL,
    defaultStreamConfig: {
      ...FULL.defaultStreamConfig,
      retentionPolicy: { ageSecs: 86_400 },
      timestamping: { mode: "client-require", uncapped: false },
    },
    createStreamOnRead: false,
  });
  assert.deepEqual(await basins.getConfig({ basin: "reconfigure-some" }), config);
});

test("reconfigure clears what it names with null", async () => {
  await basins.create({ basin: "reconfigure-null", config: FULL });

  const config = await basins.reconfigure({
    basin: "reconfigure-null",
    defaultStreamConfig: { retentionPolicy: null, timestamping: { mode: null } },
    streamCipher: null,
  });

  assert.deepEqual(config, {
    ...FULL,
    defaultStreamConfig: {
      ...FULL.defaultStreamConfig,
      retentionPolicy: null,
      timestamping: { mode: null, uncapped: true },
    },
    streamCipher: null,
  });
});

test("reconfigure with nothing changes nothing", async () => {
  await basins.create({ basin: "reconfigure-none", config: FULL });

  assert.deepEqual(await basins.reconfigure({ basin: "reconfigure-none" }), FULL);
});

test("reconfigure with an invalid config", async () => {
  await basins.create({ basin: "reconfigure-bad" });

  await refused(
    basins.reconfigure({
      basin: "reconfigure-bad",
      defaultStreamConfig: { retentionPolicy: { ageSecs: 0 } },
    }),
    422,
    "invalid",
  );
});

test("delete", async () => {
  await basins.create({ basin: "delete-basin" });

  await basins.delete({ basin: "delete-basin" });

  assert.deepEqual(await names(basins.listAll({ prefix: "delete-basin" })), []);
});

test("what is missing is not found", async () => {
  const basin = "missing-basin";
  for (const call of [
    () => basins.getConfig({ basin }),
    () => basins.reconfigure({ basin, createStreamOnRead: true }),
    () => basins.delete({ basin }),
  ]) {
    await refused(call, 404, "basin_not_found", "basin `missing-basin` not found");
  }
});

test("a name that the SDK lets through", async () => {
  await refused(basins.getConfig({ basin: "short" }), 400, "bad_path", "Invalid URL: basin name");
});
