// What is deleted and not yet gone. For a server that never finishes a deletion.
import assert from "node:assert/strict";
import { test } from "node:test";

import { connect, names, refused } from "./client.mjs";

const s2 = connect();

test("a basin", async () => {
  const basin = "pending-basin";
  await s2.basins.create({ basin });
  await s2.basins.delete({ basin });
  await s2.basins.delete({ basin });

  for (const call of [
    () => s2.basins.create({ basin }),
    () => s2.basins.ensure({ basin }),
    () => s2.basins.reconfigure({ basin, createStreamOnRead: true }),
    () => s2.basin(basin).streams.create({ stream: "logs" }),
  ]) {
    await refused(call, 409, "basin_deletion_pending", "basin `pending-basin` is being deleted");
  }
  assert.deepEqual(await names(s2.basins.listAll({ prefix: basin })), []);
  const { basins } = await s2.basins.list({ prefix: basin });
  assert.ok(basins[0].deletedAt >= basins[0].createdAt);
  assert.deepEqual(await names(s2.basins.listAll({ prefix: basin, includeDeleted: true })), [basin]);
});

test("a stream", async () => {
  const stream = "logs";
  await s2.basins.create({ basin: "basin-of-pending" });
  const { streams } = s2.basin("basin-of-pending");
  await streams.create({ stream });
  await streams.delete({ stream });
  await streams.delete({ stream });

  for (const call of [
    () => streams.create({ stream }),
    () => streams.ensure({ stream }),
    () => streams.getConfig({ stream }),
    () => streams.reconfigure({ stream }),
  ]) {
    await refused(call, 409, "stream_deletion_pending", "stream deletion pending");
  }
  assert.deepEqual(await names(streams.listAll()), []);
  assert.deepEqual(await names(streams.listAll({ includeDeleted: true })), [stream]);
});
