import { type Attempt, S2Mock } from "s2mock";
import { expect, test, vi } from "vitest";

import { connect } from "./connect.js";
import { type Program, read, ship, shipOnce, take, takeIfFree } from "./programs.js";

const s2 = await S2Mock.start();
const options = { basins: [{ name: "shop-basin", streams: [{ name: "orders" }] }] };
const LOST = { Fail: { code: "unavailable", committed: true } } as const;
// A campaign is many attempts.
vi.setConfig({ testTimeout: 60_000 });

// Two customers, and one seat.
async function race(attempt: Attempt, program: Program): Promise<void> {
  await attempt.actors({ a: (actor) => program(connect(actor), "ada"), b: (actor) => program(connect(actor), "bob") });
  expect(await read(connect(attempt))).toHaveLength(1);
}
const twoCustomers = (attempt: Attempt) => race(attempt, take);
const twoCarefulCustomers = (attempt: Attempt) => race(attempt, takeIfFree);

// A shipment of two items.
async function shipment(attempt: Attempt, program: Program): Promise<void> {
  await program(connect(attempt), "tea,cake");
  expect(await read(connect(attempt))).toEqual(["tea", "cake"]);
}
const oneShipment = (attempt: Attempt) => shipment(attempt, ship);
const oneCarefulShipment = (attempt: Attempt) => shipment(attempt, shipOnce);

// The same, and once more if its process has crashed.
async function shipmentAgain(attempt: Attempt, program: Program): Promise<void> {
  if (await attempt.run((worker) => program(connect(worker), "tea,cake"))) await program(connect(attempt), "tea,cake");
  expect(await read(connect(attempt))).toEqual(["tea", "cake"]);
}
const twoStarts = (attempt: Attempt) => shipmentAgain(attempt, ship);
const twoCarefulStarts = (attempt: Attempt) => shipmentAgain(attempt, shipOnce);

test.concurrent("a seat is sold twice in two of four orders", async () => {
  const selling = s2.orders({ actors: ["a", "b"], options }, twoCustomers);
  await expect(selling).rejects.toThrow(
    "2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append",
  );
});

test.concurrent("a seat is sold once in every order", async () => {
  expect((await s2.orders({ actors: ["a", "b"], options }, twoCarefulCustomers)).attempts).toBe(4);
});

test.concurrent("an item is shipped twice if an answer is lost", async () => {
  const shipping = s2.sweep({ faults: [LOST, { Drop: {} }], on: "append", options }, oneShipment);
  await expect(shipping).rejects.toThrow('"unavailable", "committed": true}} at append 1 of 2: ');
});

test.concurrent("an item is shipped once with every fault", async () => {
  await s2.sweep({ faults: [LOST, { Drop: {} }], on: "append", options }, oneCarefulShipment);
});

test.concurrent("an item is shipped twice after a crash", async () => {
  const shipping = s2.crashes({ on: "append", options }, twoStarts);
  await expect(shipping).rejects.toThrow("a crash after append 1 of 2: ");
});

test.concurrent("an item is shipped once with every crash", async () => {
  expect((await s2.crashes({ on: "append", options }, twoCarefulStarts)).attempts).toBe(5);
});
