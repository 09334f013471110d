import { expect, test, vi } from "vitest";

import { type Attempt, campaign } from "./campaigns.js";
import { type Program, read, ship, shipOnce, take, takeIfFree } from "./programs.js";

const options = { basins: [{ name: "shop-basin", streams: [{ name: "orders" }] }] };
const LOST = { Fail: { code: "unavailable", committed: true } };
// A campaign is many attempts.
vi.setConfig({ testTimeout: 60_000 });

// Two customers, and one seat.
async function race(attempt: Attempt, program: Program): Promise<void> {
  await attempt.actors({ a: (s2) => program(s2, "ada"), b: (s2) => program(s2, "bob") });
  expect(await read(attempt.client())).toHaveLength(1);
}
const twoCustomers = (attempt: Attempt) => race(attempt, take);
const twoCarefulCustomers = (attempt: Attempt) => race(attempt, takeIfFree);

// A shipment of two items.
async function shipment(attempt: Attempt, program: Program): Promise<void> {
  await program(attempt.client(), "tea,cake");
  expect(await read(attempt.client())).toEqual(["tea", "cake"]);
}
const oneShipment = (attempt: Attempt) => shipment(attempt, ship);
const oneCarefulShipment = (attempt: Attempt) => shipment(attempt, shipOnce);

// The same, and once more if its process has crashed.
async function shipmentAgain(attempt: Attempt, program: Program): Promise<void> {
  if (await attempt.run((s2) => program(s2, "tea,cake"))) await program(attempt.client(), "tea,cake");
  expect(await read(attempt.client())).toEqual(["tea", "cake"]);
}
const twoStarts = (attempt: Attempt) => shipmentAgain(attempt, ship);
const twoCarefulStarts = (attempt: Attempt) => shipmentAgain(attempt, shipOnce);

test.concurrent("a seat is sold twice in two of four orders", async () => {
  const selling = campaign({ kind: "orders", actors: ["a", "b"], options }, twoCustomers);
  await expect(selling).rejects.toThrow(
    "2 of 4 orders fail; the shortest: a check-tail, b check-tail, b append, a append",
  );
});

test.concurrent("a seat is sold once in every order", async () => {
  expect(await campaign({ kind: "orders", actors: ["a", "b"], options }, twoCarefulCustomers)).toBe(4);
});

test.concurrent("an item is shipped twice if an answer is lost", async () => {
  const shipping = campaign({ kind: "sweep", faults: [LOST, { Drop: {} }], on: "append", options }, oneShipment);
  await expect(shipping).rejects.toThrow('"unavailable", "committed": true}} at append 1 of 2: ');
});

test.concurrent("an item is shipped once with every fault", async () => {
  await campaign({ kind: "sweep", faults: [LOST, { Drop: {} }], on: "append", options }, oneCarefulShipment);
});

test.concurrent("an item is shipped twice after a crash", async () => {
  const shipping = campaign({ kind: "crash", on: "append", options }, twoStarts);
  await expect(shipping).rejects.toThrow("a crash after append 1 of 2: ");
});

test.concurrent("an item is shipped once with every crash", async () => {
  expect(await campaign({ kind: "crash", on: "append", options }, twoCarefulStarts)).toBe(5);
});
