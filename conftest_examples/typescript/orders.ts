// What is tested: orders are kept in a stream, each once.
import { AppendInput, AppendRecord, S2, SeqNumMismatchError } from "@s2-dev/streamstore";

export class Orders {
  private readonly stream;

  constructor(s2: S2, basin: string, stream = "orders") {
    this.stream = s2.basin(basin).stream(stream);
  }

  // Place an order at the end. The condition lets no retry place it twice.
  async place(order: string): Promise<number> {
    const { tail } = await this.stream.checkTail();
    const input = AppendInput.create([AppendRecord.string({ body: order })], { matchSeqNum: tail.seqNum });
    try {
      return (await this.stream.append(input)).start.seqNum;
    } catch (error) {
      // It may be ours, with its answer lost.
      if (error instanceof SeqNumMismatchError && (await this.all())[tail.seqNum] === order) return tail.seqNum;
      throw error;
    }
  }

  async all(): Promise<string[]> {
    const { tail } = await this.stream.checkTail();
    if (tail.seqNum === 0) return [];
    const batch = await this.stream.read({ start: { from: { seqNum: 0 }, clamp: true } });
    return batch.records.map(({ body }) => body);
  }
}
