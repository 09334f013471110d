// node's own test runner; and the server as a process.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { S2 } from "@s2-dev/streamstore";
import { S2Mock } from "s2mock";

let s2;
before(async () => {
  s2 = await S2Mock.start();
});
after(() => s2.stop());

test("an account has the name of its test", async (t) => {
  await s2.run({ name: t.name, basins: ["my-basin"] }, async (s2mock) => {
    const client = new S2(s2mock.clientOptions);
    assert.deepEqual((await client.basins.list()).basins.map(({ name }) => name), ["my-basin"]);
    assert.equal((await s2.list())[0].name, "an account has the name of its test, 1 exchange");
  });
});

test("a request without the token of an account is refused", async () => {
  const client = new S2({ accessToken: "none", endpoints: { account: s2.url, basin: s2.url } });
  await assert.rejects(client.basins.list(), { status: 401 });
});

test("the package can be required", () => {
  assert.equal(createRequire(import.meta.url)("s2mock").S2Mock, S2Mock);
});

test("a second one attaches to the first", async () => {
  const other = await S2Mock.start({ url: `${s2.url}/` });
  assert.equal(other.url, s2.url);
  await other.stop();
  // The first one goes on.
  assert.deepEqual(await s2.list(), []);
});

test("a stopped server is gone", async () => {
  const other = await S2Mock.start({ options: ["--deletion-delay", "0"] });
  assert.notEqual(other.url, s2.url);
  await other.stop();
  await other.stop();
  await assert.rejects(other.account(), /s2mock cannot be reached at/);
});

test("what the server prints is in the error if it does not start", async () => {
  await assert.rejects(S2Mock.start({ options: ["--no-such-option"] }), /did not start: .*\n[^]*--no-such-option/);
});

test("a program that is not there", async () => {
  process.env.S2MOCK_BIN = "/none/s2mock";
  try {
    await assert.rejects(S2Mock.start(), /S2MOCK_BIN=\/none\/s2mock is no file/);
  } finally {
    delete process.env.S2MOCK_BIN;
  }
});

test("a process that never stops its server ends, and the server with it", async () => {
  const code =
    'const { S2Mock } = require("s2mock"); S2Mock.start().then(async (s2) => { await s2.account(); console.log(s2.url); });';
  const child = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  let url = "";
  child.stdout.on("data", (data) => (url += data));
  assert.equal(await new Promise((resolve) => child.on("exit", resolve)), 0);
  // It ends when it sees that its parent has ended, so the connection is refused soon.
  for (;;) {
    const gone = await fetch(`${url.trim()}/health`).then(
      () => false,
      () => true,
    );
    if (gone) break;
  }
});

test("npx s2mock run gives a command its server, and ends with its status", () => {
  const code = "fetch(process.env.S2_ACCOUNT_ENDPOINT + '/health').then(({ status }) => process.exit(status - 193))";
  const { status, stderr } = spawnSync("npx", ["--no-install", "s2mock", "run", "--", process.execPath, "-e", code]);
  assert.deepEqual([status, String(stderr)], [7, ""]);
  const help = spawnSync("npx", ["--no-install", "s2mock", "lite", "--help"]);
  assert.match(String(help.stdout), /^usage: s2mock lite/);
});

test("a command of run uses its server", () => {
  const code = 'import("s2mock").then(({ S2Mock }) => S2Mock.start()).then(({ url }) => console.log(url === process.env.S2_ACCOUNT_ENDPOINT))';
  const { stdout, stderr } = spawnSync("npx", ["--no-install", "s2mock", "run", "--", process.execPath, "-e", code]);
  assert.deepEqual([String(stdout), String(stderr)], ["true\n", ""]);
});

test("no Python is on the PATH", () => {
  const folders = process.env.PATH.split(":");
  assert.deepEqual(folders.filter((folder) => existsSync(`${folder}/python3`) || existsSync(`${folder}/python`)), []);
});
