import { testWith } from "s2mock/vitest";
import { expect } from "vitest";

import { connect } from "./connect.js";
import { Orders } from "./orders.js";

// Each test has an account of its own; `s2mock` is a fixture.
const test = testWith({ basins: [{ name: "shop-basin", streams: ["orders"] }], clock: "manual" });

test.concurrent("an order whose answer is lost is placed once", async ({ s2mock }) => {
  const orders = new Orders(connect(s2mock), "shop-basin");
  await s2mock.inject({ Fail: { code: "unavailable", committed: true } }, { on: "append" });
  expect(await orders.place("a book")).toBe(0);
  expect(await orders.all()).toEqual(["a book"]);
  const [first, second] = await s2mock.journal.of("append");
  expect([first.response?.status, first.effect.committed]).toEqual([503, true]);
  expect([second.response?.status, second.effect.committed]).toEqual([412, false]);
});

test.concurrent("two tests at a time do not meet", async ({ s2mock }) => {
  const orders = new Orders(connect(s2mock), "shop-basin");
  for (const order of ["a pen", "a pencil"]) await orders.place(order);
  expect(await orders.all()).toEqual(["a pen", "a pencil"]);
});

test.concurrent("a client says what it has asked", async ({ s2mock }) => {
  const orders = new Orders(connect(s2mock), "shop-basin");
  const placing = orders.place("a book");
  const [exchange] = await s2mock.journal.waitFor("append");
  expect(exchange.request.document).toEqual({ records: [{ body: "a book" }], match_seq_num: 0 });
  await placing;
});

test.concurrent("an order that is held is not there yet", async ({ s2mock }) => {
  const orders = new Orders(connect(s2mock), "shop-basin");
  const held = await s2mock.hold({ on: "append", at: "commit" });
  const placing = orders.place("a book");
  await held.wait();
  expect(await orders.all()).toEqual([]);
  await held.release();
  await placing;
  expect(await orders.all()).toEqual(["a book"]);
});

test.concurrent("orders are kept for a week, which passes at once", async ({ s2mock }) => {
  const s2 = connect(s2mock);
  const week = { retentionPolicy: { ageSecs: 7 * 24 * 3600 } };
  await s2.basin("shop-basin").streams.create({ stream: "of-a-week", config: week });
  const orders = new Orders(s2, "shop-basin", "of-a-week");
  await orders.place("a book");
  await s2mock.advance(8 * 24 * 3600);
  await orders.place("a pen");
  expect(await orders.all()).toEqual(["a pen"]);
});
