// Two programs with a bug each, and each repaired: campaigns.test.ts finds the bugs.
import { AppendInput, AppendRecord, S2, SeqNumMismatchError, type S2Stream } from "@s2-dev/streamstore";

export type Program = (s2: S2, what: string) => Promise<unknown>;
const streamOf = (s2: S2) => s2.basin("shop-basin").stream("orders");

async function append(stream: S2Stream, body: string, matchSeqNum?: number): Promise<void> {
  await stream.append(AppendInput.create([AppendRecord.string({ body })], { matchSeqNum }));
}

// The first one gets the seat. The bug: another may append between the look and the append.
export async function take(s2: S2, name: string): Promise<void> {
  const stream = streamOf(s2);
  if ((await stream.checkTail()).tail.seqNum === 0) await append(stream, name);
}

export async function takeIfFree(s2: S2, name: string): Promise<void> {
  const stream = streamOf(s2);
  if ((await stream.checkTail()).tail.seqNum > 0) return;
  await append(stream, name, 0).catch((error) => {
    if (!(error instanceof SeqNumMismatchError)) throw error;
  });
}

// Ship each item once, with a comma between them. The bug: it begins again at the first one after a
// crash, and the SDK's second try after a lost answer ships an item twice.
export async function ship(s2: S2, items: string): Promise<void> {
  for (const item of items.split(",")) await append(streamOf(s2), item);
}

export async function shipOnce(s2: S2, items: string): Promise<void> {
  const all = items.split(",");
  const stream = streamOf(s2);
  for (let next; (next = (await stream.checkTail()).tail.seqNum) < all.length; ) {
    await append(stream, all[next], next).catch((error) => {
      // It is there already: by this append, whose answer was lost.
      if (!(error instanceof SeqNumMismatchError)) throw error;
    });
  }
}

export async function read(s2: S2): Promise<string[]> {
  const stream = streamOf(s2);
  if ((await stream.checkTail()).tail.seqNum === 0) return [];
  const { records } = await stream.read({ start: { from: { seqNum: 0 }, clamp: true } });
  return records.map(({ body }) => body);
}
