// What the tests use: a shop on the official SDK.
import { AppendInput, AppendRecord, S2, SeqNumMismatchError, type S2Stream } from "@s2-dev/streamstore";
import type { Client } from "s2mock";

export const SHOP = { basins: [{ name: "shop-basin", streams: [{ name: "orders" }] }] };

// Retries wait no time.
const retry = { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 };

export function connect(client: Client): S2 {
  return new S2({ ...client.clientOptions, retry });
}

export function ordersOf(client: Client, name = "orders"): S2Stream {
  return connect(client).basin("shop-basin").stream(name);
}

export async function append(stream: S2Stream, body: string, matchSeqNum?: number): Promise<number> {
  const options = matchSeqNum === undefined ? {} : { matchSeqNum };
  return (await stream.append(AppendInput.create([AppendRecord.string({ body })], options))).start.seqNum;
}

export async function read(stream: S2Stream): Promise<string[]> {
  if ((await stream.checkTail()).tail.seqNum === 0) return [];
  const { records } = await stream.read({ start: { from: { seqNum: 0 }, clamp: true } });
  return records.map(({ body }) => body);
}

// Ship each item once. The careless one sends it again when an answer is lost.
export async function ship(client: Client, items: string[]): Promise<void> {
  for (const item of items) await append(ordersOf(client), item);
}

export async function shipOnce(client: Client, items: string[]): Promise<void> {
  const stream = ordersOf(client);
  for (let next; (next = (await stream.checkTail()).tail.seqNum) < items.length; ) {
    await append(stream, items[next] ?? "", next).catch((error: unknown) => {
      if (!(error instanceof SeqNumMismatchError)) throw error;
    });
  }
}

// The first one gets the seat. The careless one looks, and then takes.
export async function take(client: Client, name: string): Promise<void> {
  const stream = ordersOf(client);
  if ((await stream.checkTail()).tail.seqNum === 0) await append(stream, name);
}

export async function takeIfFree(client: Client, name: string): Promise<void> {
  await append(ordersOf(client), name, 0).catch((error: unknown) => {
    if (!(error instanceof SeqNumMismatchError)) throw error;
  });
}
