import { test as base, expect } from "vitest";

import { Orders } from "./orders.js";
import { S2Mock } from "./s2mock.js";

const SHOP = [{ name: "shop-basin", streams: [{ name: "orders" }] }];

// Each test has an account of its own; `s2mock` is a fixture.
const test = base.extend<{ s2mock: S2Mock }>({
  s2mock: async ({}, use) => {
    const s2mock = await S2Mock.account({ basins: SHOP, clock: "manual" });
    await use(s2mock);
    await s2mock.end();
  },
});

test.concurrent("an order whose answer is lost is placed once", async ({ s2mock }) => {
  const orders = new Orders(s2mock.client(), "shop-basin");
  await s2mock.inject({ Fail: { code: "unavailable", committed: true } }, { on: "append" });
  expect(await orders.place("a book")).toBe(0);
  expect(await orders.all()).toEqual(["a book"]);
  const [first, second] = await s2mock.journal("append");
  expect([first.response?.status, first.effect.committed]).toEqual([503, true]);
  expect([second.response?.status, second.effect.committed]).toEqual([412, false]);
});

test.concurrent("two tests at a time do not meet", async ({ s2mock }) => {
  const orders = new Orders(s2mock.client(), "shop-basin");
  for (const order of ["a pen", "a pencil"]) await orders.place(order);
  expect(await orders.all()).toEqual(["a pen", "a pencil"]);
});

test.concurrent("a client says what it has asked", async ({ s2mock }) => {
  const orders = new Orders(s2mock.client(), "shop-basin");
  const placing = orders.place("a book");
  const [exchange] = await s2mock.journal("append", 1);
  expect(exchange.request.document).toEqual({ records: [{ body: "a book" }], match_seq_num: 0 });
  await placing;
});

test.concurrent("an order that is held is not there yet", async ({ s2mock }) => {
  const orders = new Orders(s2mock.client(), "shop-basin");
  const held = await s2mock.hold({ on: "append", at: "commit" });
  const placing = orders.place("a book");
  await held.arrived();
  expect(await orders.all()).toEqual([]);
  await held.release();
  await placing;
  expect(await orders.all()).toEqual(["a book"]);
});

test.concurrent("orders are kept for a week, which passes at once", async ({ s2mock }) => {
  const s2 = s2mock.client();
  const week = { retentionPolicy: { ageSecs: 7 * 24 * 3600 } };
  await s2.basin("shop-basin").streams.create({ stream: "of-a-week", config: week });
  const orders = new Orders(s2, "shop-basin", "of-a-week");
  await orders.place("a book");
  await s2mock.advance(8 * 24 * 3600);
  await orders.place("a pen");
  expect(await orders.all()).toEqual(["a pen"]);
});
