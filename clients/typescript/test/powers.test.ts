// Every power, with the official SDK, in parallel on accounts of their own.
import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { S2 } from "@s2-dev/streamstore";
import { type Attempt, CampaignFailed, S2Mock, UnusedFault, WaitTimeout } from "s2mock";
import { testWith } from "s2mock/vitest";
import { describe, expect, vi } from "vitest";

import { append, connect, ordersOf, read, SHOP, ship, shipOnce, take, takeIfFree } from "./shop.js";

vi.setConfig({ testTimeout: 60_000 });
const test = testWith(SHOP);
const timed = testWith({ ...SHOP, clock: "manual" });
const items = ["tea", "cake"];
const LOST = { Fail: { code: "unavailable", committed: true } } as const;

describe("faults", () => {
  test.concurrent("an answer that is lost", async ({ s2mock }) => {
    await s2mock.inject(LOST, { on: "append" });
    await shipOnce(s2mock, items);
    expect(await read(ordersOf(s2mock))).toEqual(items);
    const [first] = await s2mock.journal.of("append");
    expect([first?.response?.status, first?.effect.committed]).toEqual([503, true]);
  });

  test.concurrent("a connection that is lost, with a list that lets one pass", async ({ s2mock }) => {
    const injected = await s2mock.inject([null, { Drop: { committed: true } }], { on: "append", stream: "ord*" });
    await ship(s2mock, items);
    expect(await s2mock.stream("shop-basin", "orders").bodies()).toEqual(["tea", "cake", "cake"]);
    const [dropped] = await injected.wait();
    expect(dropped?.response).toBeNull();
    expect(await injected.hits()).toBe(1);
  });

  test.concurrent("an effect that comes late", async ({ s2mock }) => {
    await s2mock.inject({ Late: { reads: 1, code: "storage" } }, { on: "append" });
    await shipOnce(s2mock, ["tea"]);
    expect(await read(ordersOf(s2mock))).toEqual(["tea"]);
  });

  test.concurrent("one that is removed is not demanded", async ({ s2mock }) => {
    const injected = await s2mock.inject({ Cut: { bytes: 3 } }, { on: "read", times: null });
    expect((await injected.state()).complaint).toContain('{"Cut": {"bytes": 3}}');
    await injected.remove();
    await injected.remove();
  });

  test.concurrent("a wait says what came instead", async ({ s2mock }) => {
    const injected = await s2mock.inject({ Drop: {} }, { on: "append", stream: "order", required: false });
    await ship(s2mock, ["tea"]);
    const waiting = injected.wait(1, { timeout: 0 });
    await expect(waiting).rejects.toThrow(WaitTimeout);
    await expect(waiting).rejects.toThrow("1 append arrived, to `orders`; the fault waits for `order`");
  });
});

describe("holds and hooks", () => {
  test.concurrent("an append that is held is not there yet", async ({ s2mock }) => {
    const held = await s2mock.hold({ on: "append", at: "commit" });
    const shipping = ship(s2mock, ["tea"]);
    await held.wait();
    expect(await read(ordersOf(s2mock))).toEqual([]);
    await held.release();
    await shipping;
    expect(await read(ordersOf(s2mock))).toEqual(["tea"]);
  });

  test.concurrent("one operation is released, with a fault", async ({ s2mock }) => {
    const held = await s2mock.hold({ on: "append", times: 2 });
    const shipping = Promise.all([shipOnce(s2mock, ["tea"]), ship(s2mock, ["cake"])]);
    const exchanges = await held.wait(2);
    await held.release({ exchange: exchanges[0]!, fault: { Drop: {} } });
    await held.release();
    await shipping;
    const [dropped] = await s2mock.journal.of("append");
    expect([dropped?.fault !== null, dropped?.effect.committed]).toEqual([true, false]);
  });

  test.concurrent("another writer is faster, every time", async ({ s2mock }) => {
    const orders = s2mock.stream("shop-basin", "orders");
    const hook = await s2mock.on("append", async () => void (await orders.append("theirs")), { times: 1 });
    await takeIfFree(s2mock, "mine");
    expect(await orders.bodies()).toEqual(["theirs"]);
    expect(hook.count).toBe(1);
  });

  test.concurrent("a hook decides the fault", async ({ s2mock }) => {
    const hook = await s2mock.on("append", ({ request }) =>
      JSON.stringify(request.document).includes("cake") && hook.count < 3 ? LOST : undefined,
    );
    await shipOnce(s2mock, items);
    expect(await read(ordersOf(s2mock))).toEqual(items);
    const statuses = (await s2mock.journal.of("append")).map(({ response }) => response?.status);
    expect(statuses).toEqual([200, 503, 412]);
  });

  test.concurrent("a hook that fails, fails its test", async ({ s2 }) => {
    const account = await s2.account(SHOP);
    await account.on("append", () => {
      throw new Error("no money");
    });
    await ship(account, ["tea"]);
    await expect(account.end()).rejects.toThrow(/a hook on "append" failed: Error: no money/);
  });
});

describe("time", () => {
  timed.concurrent("orders are kept for a week, which passes at once", async ({ s2mock }) => {
    const week = { retentionPolicy: { ageSecs: 7 * 24 * 3600 } };
    await connect(s2mock).basin("shop-basin").streams.create({ stream: "of-a-week", config: week });
    const orders = ordersOf(s2mock, "of-a-week");
    await append(orders, "tea");
    const before = await s2mock.clock.now();
    await s2mock.advance(8 * 24 * 3600);
    await append(orders, "cake");
    expect(await read(orders)).toEqual(["cake"]);
    expect((await s2mock.clock.now()).getTime() - before.getTime()).toBe(8 * 24 * 3600 * 1000);
  });

  timed.concurrent("a delay ends when the clock is advanced", async ({ s2mock }) => {
    await s2mock.inject({ Delay: { seconds: 60 } }, { on: "append" });
    const shipping = ship(s2mock, ["tea"]);
    await s2mock.clock.waitForWaiters();
    expect(await s2mock.stream("shop-basin", "orders").bodies()).toEqual([]);
    await s2mock.advance(60);
    await shipping;
  });
});

describe("a clock that advances by itself", () => {
  const automatic = testWith({ ...SHOP, clock: "auto", append_latency: 3600 });

  automatic.concurrent("an append waits while the clock is stopped", async ({ s2mock }) => {
    const shipping = await s2mock.clock.stopped(async () => {
      const shipping = ship(s2mock, ["tea"]);
      await s2mock.clock.waitForWaiters();
      expect(await s2mock.stream("shop-basin", "orders").bodies()).toEqual([]);
      return { shipping };
    });
    await shipping.shipping;
  });
});

describe("journal", () => {
  test.concurrent("an exchange has its request and its effect", async ({ s2mock }) => {
    const shipping = shipOnce(s2mock, ["tea"]);
    const [exchange] = await s2mock.journal.waitFor("append", 1, { stream: "orders" });
    await shipping;
    expect(exchange?.request.document).toEqual({ records: [{ body: "tea" }], match_seq_num: 0 });
    expect(exchange?.effect).toMatchObject({ committed: true, first_seq_num: 0 });
    await s2mock.journal.clear();
    expect(await s2mock.journal.of()).toEqual([]);
  });

  test.concurrent("exchanges can be followed", async ({ s2mock }) => {
    const shipping = ship(s2mock, items);
    const seen: (string | null)[] = [];
    for await (const { operation } of s2mock.journal.follow("append")) {
      seen.push(operation);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(["append", "append"]);
    await shipping;
  });

  test.concurrent("timeline, cassette, history, coverage, advice, status", async ({ s2mock }) => {
    await ship(s2mock, items);
    expect(await s2mock.journal.timeline()).toMatch(/^s2mock: 2 exchanges\n1 .* append .*\n2 .* append /);
    expect((await s2mock.journal.cassette()).split("\n")[0]).toContain("cassette");
    expect((await s2mock.journal.history()).split("\n").length).toBeGreaterThan(2);
    expect((await s2mock.coverage()).operations["append"]?.calls).toBe(2);
    expect(await s2mock.advice()).toEqual([]);
    expect((await s2mock.journal.get(1)).pytest).toContain("tea");
    const [life] = (await s2mock.stream("shop-basin", "orders").history()).lives;
    expect(life?.records.map(({ body, by }) => [body, by])).toEqual([["tea", 1], ["cake", 2]]);
    const page = join(await mkdtemp(join(tmpdir(), "s2mock-")), "page.html");
    await s2mock.savePage(page);
    expect(await readFile(page, "utf-8")).toContain("<html");
    expect((await s2mock.status()).is_out).toBe(false);
    expect((await s2mock.streams()).streams.map(({ name }) => name)).toEqual(["orders"]);
  });
});

describe("state", () => {
  test.concurrent("a snapshot is restored, saved, loaded, and started from", async ({ s2, s2mock }) => {
    await ship(s2mock, ["tea"]);
    const snapshot = await s2mock.snapshot();
    await ship(s2mock, ["cake"]);
    await s2mock.restore(snapshot);
    expect(await read(ordersOf(s2mock))).toEqual(["tea"]);
    const file = join(await mkdtemp(join(tmpdir(), "s2mock-")), "shop.jsonl");
    await snapshot.save(file);
    const other = await s2.account({ snapshot: await s2.load(file) });
    expect(await read(ordersOf(other))).toEqual(["tea"]);
    await other.end();
  });

  test.concurrent("a fork goes its own way, and ends with its origin", async ({ s2, s2mock }) => {
    const account = await s2.account(SHOP);
    await ship(account, ["tea"]);
    const fork = await account.fork();
    await ship(fork, ["cake"]);
    expect(await read(ordersOf(fork))).toEqual(items);
    expect(await read(ordersOf(account))).toEqual(["tea"]);
    await account.end();
    await expect(fork.journal.of()).rejects.toThrow();
    await s2mock.reset();
  });

  test.concurrent("direct calls are in no journal", async ({ s2mock }) => {
    await s2mock.basin("other-basin").create({ create_stream_on_append: true });
    const log = await s2mock.basin("other-basin").createStream("log", { retention_policy: { age: 60 } });
    expect(await log.append("a", "b")).toBe(0);
    expect((await log.waitForRecords(2)).map(({ seqNum, body }) => [seqNum, body])).toEqual([[0, "a"], [1, "b"]]);
    expect((await log.look()).tail.seq_num).toBe(2);
    expect((await s2mock.basin("other-basin").look()).config.create_stream_on_append).toBe(true);
    expect(await s2mock.journal.of()).toEqual([]);
  });

  test.concurrent("a reader at the tail is awaited", async ({ s2mock }) => {
    const session = await ordersOf(s2mock).readSession({ start: { from: { tailOffset: 0 }, clamp: true } });
    const records = session[Symbol.asyncIterator]();
    const first = records.next();
    await s2mock.waitForReaders("shop-basin", "orders");
    expect(await s2mock.readers("shop-basin", "orders")).toBe(1);
    await s2mock.stream("shop-basin", "orders").append("tea");
    expect((await first).value?.body).toBe("tea");
    await records.return?.();
  });
});

describe("access", () => {
  test.concurrent("a token that may only read", async ({ s2mock }) => {
    const reader = await s2mock.issueToken(
      "reader",
      { basins: { prefix: "" }, streams: { prefix: "" }, op_groups: { stream: { read: true } } },
      { expiresAt: new Date(Date.now() + 3600_000) },
    );
    expect(await read(ordersOf(reader))).toEqual([]);
    await expect(ship(reader, ["tea"])).rejects.toThrow(expect.objectContaining({ code: "permission_denied" }));
    await reader.revoke();
    await expect(read(ordersOf(reader))).rejects.toThrow();
  });

  test.concurrent("tests at the same time never meet", async ({ s2 }) => {
    const accounts = await Promise.all(Array.from({ length: 8 }, () => s2.account(SHOP)));
    await Promise.all(accounts.map((account, number) => ship(account, [`of ${number}`])));
    const found = await Promise.all(accounts.map((account) => read(ordersOf(account))));
    expect(found).toEqual(accounts.map((_, number) => [`of ${number}`]));
    await Promise.all(accounts.map((account) => account.end()));
  });

  test("an app that reads the environment by itself", async ({ s2, s2mock }) => {
    s2mock.useEnv();
    const other = await s2.account(SHOP);
    expect(() => other.useEnv()).toThrow("process.env has the variables of another account");
    // As the app does it.
    const { S2_ACCESS_TOKEN: accessToken, S2_ACCOUNT_ENDPOINT: account, S2_BASIN_ENDPOINT: basin } = process.env;
    const app = new S2({ accessToken: accessToken!, endpoints: { account: account!, basin: basin! } });
    expect((await app.basins.list()).basins.map(({ name }) => name)).toEqual(["shop-basin"]);
    s2mock.restoreEnv();
    expect(process.env["S2_ACCESS_TOKEN"]).toBeUndefined();
    await other.end();
  });

  test.concurrent("an outage ends", async ({ s2mock }) => {
    const once = new S2({ ...s2mock.clientOptions, retry: { maxAttempts: 1 } });
    await s2mock.outage(async () => {
      await expect(once.basins.list()).rejects.toThrow();
    });
    expect((await once.basins.list()).basins).toHaveLength(1);
  });
});

describe("campaigns", () => {
  test.concurrent("a sweep finds what is shipped twice", async ({ s2mock }) => {
    const sweep = s2mock.sweep({ faults: [LOST, { Drop: {} }], on: "append" }, async function shipment(attempt) {
      await ship(attempt, items);
      expect(await read(ordersOf(attempt))).toEqual(items);
    });
    await expect(sweep).rejects.toThrow(CampaignFailed);
    await expect(sweep).rejects.toThrow(/at append 1 of 2: [^]*test\("shipment: [^]*s2\.campaign\(\{/);
  });

  test.concurrent("a careful program passes the sweep", async ({ s2mock }) => {
    const faults = [LOST, { Drop: { committed: true } }, { Late: { reads: 1 } }];
    const report = await s2mock.sweep({ faults, on: "append" }, async (attempt) => {
      await shipOnce(attempt, items);
      expect(await read(ordersOf(attempt))).toEqual(items);
    });
    expect([report.passed, report.attempts]).toEqual([true, 7]);
  });

  const race = (program: typeof take) => async (attempt: Attempt) => {
    await attempt.actors({ a: (actor) => program(actor, "ada"), b: (actor) => program(actor, "bob") });
    expect(await read(ordersOf(attempt))).toHaveLength(1);
  };

  test.concurrent("a seat is sold twice in two of four orders", async ({ s2mock }) => {
    const orders = s2mock.orders({ actors: ["a", "b"] }, race(take));
    await expect(orders).rejects.toThrow(
      "2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append",
    );
  });

  test.concurrent("a seat is sold once in every order", async ({ s2 }) => {
    const report = await s2.orders({ actors: ["a", "b"], options: SHOP }, race(takeIfFree));
    expect(report.attempts).toBe(2);
  });

  test.concurrent("an item is shipped once with every crash", async ({ s2mock }) => {
    const titles: string[] = [];
    await s2mock.crashes({ on: "append" }, async (attempt) => {
      titles.push(attempt.title);
      if (await attempt.run((worker) => shipOnce(worker, items))) await shipOnce(attempt, items);
      expect(await read(ordersOf(attempt))).toEqual(items);
    });
    expect(titles).toHaveLength(5);
    expect(titles).toContain("a crash before append 2");
  });
});

describe("the end of a test", () => {
  test.concurrent("a fault that never fired", async ({ s2 }) => {
    const account = await s2.account(SHOP);
    await account.inject({ Drop: { committed: true } }, { on: "append" });
    const ended = account.end();
    await expect(ended).rejects.toThrow(UnusedFault);
    await expect(ended).rejects.toThrow(
      'a fault never fired: {"fault": {"Drop": {"committed": true}}, "on": "append"}; no append arrived',
    );
    await account.end();
  });

  test.concurrent("the timeline is in the error of a test that fails", async ({ s2 }) => {
    const failed: Error = await s2
      .run({ ...SHOP, name: "of an order" }, async (account) => {
        await account.inject(LOST, { on: "append" });
        await shipOnce(account, ["tea"]);
        expect((await s2.list()).map(({ name }) => name)).toContain("of an order, 4 exchanges");
        throw new Error("no tea");
      })
      .then(
        () => new Error("it passed"),
        (error: Error) => error,
      );
    for (const text of [failed.message, failed.stack!]) {
      expect(text).toMatch(/no tea\n\n--- s2mock: 4 exchanges, 1 fault \(of an order\) ---\n1 /);
      expect(text).toContain('{"Fail": {"code": "unavailable", "committed": true}}');
    }
  });

  test.concurrent("an account has the name of its test", async ({ s2, s2mock }) => {
    const name = "the end of a test > an account has the name of its test";
    expect((await s2.list()).map((account) => account.name)).toContain(`${name}, 0 exchanges`);
    expect(await s2mock.report()).toBe(`--- s2mock: 0 exchanges (${name}) ---`);
  });

  test.concurrent("a server that is not there", async () => {
    await expect(S2Mock.start({ url: "http://127.0.0.1:1" })).rejects.toThrow(
      /there is no s2mock at S2MOCK_URL=http:\/\/127\.0\.0\.1:1: .*cannot be reached.*unset S2MOCK_URL/,
    );
  });
});
