// Access tokens, metrics and locations, on an account that refuses requests without a token.
import assert from "node:assert/strict";
import { test } from "node:test";

import { AppendInput, AppendRecord } from "@s2-dev/streamstore";

import { connect, names, refused } from "./client.mjs";

const s2 = connect();
const ANY = { prefix: "" };
const DENIED = [403, "permission_denied", "Operation not permitted"];

async function bearer(id, scope, more = {}) {
  const { accessToken } = await s2.accessTokens.issue({ id, scope, ...more });
  return connect({ accessToken });
}

function batch(body) {
  return AppendInput.create([AppendRecord.string({ body })]);
}

test("a stranger", async () => {
  await refused(connect({ accessToken: "no-such-token" }).basins.list(), 401, "authn");
});

test("issue, list and revoke", async () => {
  const expiresAt = new Date("2040-01-01T00:00:00Z");
  const scope = { basins: { exact: "tokens-basin" }, ops: ["read", "append"] };
  const svc = await bearer("list-svc", scope, { expiresAt });
  const { accessTokens } = await s2.accessTokens.list({ prefix: "list-" });
  assert.deepEqual(accessTokens.map(({ id }) => id), ["list-svc"]);
  assert.equal(accessTokens[0].expiresAt.getTime(), expiresAt.getTime());
  assert.deepEqual(accessTokens[0].scope.ops, ["append", "read"]);
  await refused(
    s2.accessTokens.issue({ id: "list-svc", scope }),
    409,
    "resource_already_exists",
  );
  await s2.accessTokens.revoke({ id: "list-svc" });
  await refused(svc.basins.list(), 401, "authn");
  await refused(s2.accessTokens.revoke({ id: "list-svc" }), 404, "access_token_not_found");
});

test("a narrow token", async () => {
  await s2.basins.create({ basin: "narrow-basin" });
  await s2.basin("narrow-basin").streams.create({ stream: "logs" });
  const svc = await bearer("narrow", { basins: ANY, streams: ANY, ops: ["append"] });
  const basin = svc.basin("narrow-basin");
  const ack = await basin.stream("logs").append(batch("a"));
  assert.equal(ack.end.seqNum, 1);
  await refused(basin.stream("logs").checkTail(), ...DENIED);
  await refused(basin.streams.create({ stream: "other" }), ...DENIED);
  await refused(svc.basins.list(), ...DENIED);
});

test("a tenant", async () => {
  await s2.basins.create({ basin: "tenant-basin" });
  const both = { read: true, write: true };
  const scope = {
    basins: ANY,
    streams: { prefix: "tenant/" },
    opGroups: { basin: both, stream: both },
  };
  const tenant = await bearer("tenant", scope, { autoPrefixStreams: true });
  const streams = tenant.basin("tenant-basin").streams;
  assert.equal((await streams.create({ stream: "x" })).name, "x");
  assert.deepEqual(await names(streams.listAll()), ["x"]);
  assert.deepEqual(await names(s2.basin("tenant-basin").streams.listAll()), ["tenant/x"]);
});

test("no broader token", async () => {
  const scope = { accessTokens: ANY, ops: ["issue-access-token"] };
  const issuer = await bearer("issuer", scope);
  await refused(
    issuer.accessTokens.issue({ id: "broader", scope: { ...scope, ops: ["read"] } }),
    ...DENIED,
  );
  await issuer.accessTokens.issue({ id: "as-narrow", scope });
});

test("what makes no token", async () => {
  await refused(
    s2.accessTokens.issue({ id: "nothing", scope: { basins: ANY } }),
    422,
    "invalid",
    "Access token permissions cannot be empty",
  );
});

test("metrics", async () => {
  await s2.basins.create({ basin: "metrics-basin" });
  await s2.basin("metrics-basin").streams.create({ stream: "logs" });
  await s2.basin("metrics-basin").stream("logs").append(batch("12345"));
  const start = Date.now() - 3_600_000;
  const end = Date.now();
  const active = await s2.metrics.account({ set: "active-basins", start, end });
  assert.ok(active.values[0].label.values.includes("metrics-basin"));
  const basin = { basin: "metrics-basin", start, end };
  const appends = await s2.metrics.basin({ ...basin, set: "append-throughput" });
  assert.equal(appends.values[0].accumulation.values[0][1], 13);
  const stored = await s2.metrics.stream({ ...basin, stream: "logs", set: "storage" });
  assert.equal(stored.values[0].gauge.name, "metered_size");
  await refused(s2.metrics.account({ set: "account-ops", start: end, end: start }), 422, "invalid");
});

test("locations", async () => {
  const listed = await s2.locations.list();
  assert.ok(listed.some(({ name }) => name === "aws:us-west-2"));
  assert.equal((await s2.locations.getDefault()).name, "aws:us-east-1");
  await refused(
    s2.basins.create({ basin: "lost-basin", location: "aws:nowhere" }),
    422,
    "invalid",
  );
});
