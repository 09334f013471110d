// What a test reads from an account: its journal, its clock, its streams, its snapshots.
import { readFile, writeFile } from "node:fs/promises";

import type { ControlClient } from "./control-client.js";
import { type Patience, TIMEOUT } from "./powers.js";
import type {
  BasinSeedConfig,
  BasinView,
  ClockState,
  Exchange,
  History,
  JournalState,
  Operation,
  Operations,
  Records,
  ShownExchange,
  StreamSeedConfig,
  StreamView,
} from "./types.js";

/** Which exchanges of a journal: by a basin or a stream (names or globs), a status, or a number before them. */
export type Filter = { basin?: string; stream?: string; status?: number; after?: number };

/** The exchanges of an account. */
export class Journal {
  constructor(private readonly control: ControlClient) {}

  /** The exchanges that match, oldest first; all of them without arguments. */
  async of(operation?: Operations, filter: Filter = {}): Promise<Exchange[]> {
    return (await this.control.call("readJournal", { query: { ...filter, ...among(operation) } })).exchanges;
  }

  /** The state of the journal: its exchanges, the last number, how many were dropped, its limits. */
  state(filter: Filter = {}): Promise<JournalState> {
    return this.control.call("readJournal", { query: filter });
  }

  /** Wait until there is that number of exchanges that match, and return them. Throws `WaitTimeout`. */
  async waitFor(
    operation: Operations,
    count = 1,
    { timeout = TIMEOUT, ...filter }: Filter & Patience = {},
  ): Promise<Exchange[]> {
    const query = { ...filter, ...among(operation), count, wait: timeout };
    return (await this.control.call("readJournal", { query })).exchanges;
  }

  /** Each exchange that matches, those of the past first, until the caller leaves the loop. */
  async *follow(operation?: Operations, filter: Filter = {}): AsyncGenerator<Exchange, void, undefined> {
    const query = { ...filter, ...among(operation) };
    for await (const data of this.control.follow("readJournal", { query })) yield JSON.parse(data);
  }

  /** One exchange for a person to read, without secrets, and the source of a test that sends the same. */
  get(number: number): Promise<ShownExchange> {
    return this.control.call("getExchange", { path: { number } });
  }

  /** Remove all exchanges. */
  async clear(): Promise<void> {
    await this.control.call("clearJournal", {});
  }

  /** The text of the timeline: a line for each of the last exchanges, and the reason of the last refusal. */
  async timeline({ after = 0 } = {}): Promise<string> {
    return (await this.control.text("readTimeline", { query: { after } })).trimEnd();
  }

  /** The exchanges as a cassette, which `s2mock drift` reads, without secrets. */
  cassette(): Promise<string> {
    return this.control.text("exportCassette", {}, "*/*");
  }

  /** Write the cassette into a file. */
  async save(path: string): Promise<void> {
    await writeFile(path, await this.cassette());
  }

  /** The history of a stream in the format of s2-verification. */
  history(place: { basin?: string; stream?: string } = {}): Promise<string> {
    return this.control.text("exportHistory", { query: place }, "*/*");
  }
}

function among(operation: Operations | undefined): { operation?: Operation[] } {
  return operation === undefined ? {} : { operation: typeof operation === "string" ? [operation] : operation };
}

/** The clock of an account, which a test advances if the account was made with `clock: "manual"`. */
export class Clock {
  constructor(private readonly control: ControlClient) {}

  /** The state of the clock: `date`, `timestamp` in milliseconds, `waiters`. */
  state(): Promise<ClockState> {
    return this.control.call("readClock", {});
  }

  /** The time of the account. */
  async now(): Promise<Date> {
    return new Date((await this.state()).timestamp);
  }

  /** Advance a manual clock by seconds. */
  advance(seconds: number): Promise<ClockState> {
    return this.control.call("advance", { body: { seconds } });
  }

  /** Keep a clock of the kind `auto` still until a function has returned. */
  async stopped<Value>(run: () => Promise<Value>): Promise<Value> {
    await this.control.call("stopClock", {});
    try {
      return await run();
    } finally {
      await this.control.call("endClockStop", {});
    }
  }

  /** Wait until that number of operations waits for the clock. Throws `WaitTimeout`. */
  async waitForWaiters(count = 1, { timeout = TIMEOUT }: Patience = {}): Promise<void> {
    await this.control.call("readClock", { query: { waiters: count, wait: timeout } });
  }
}

/** The state of an account at one time, which any account of the server can go back to or start from. */
export class Snapshot implements AsyncDisposable {
  constructor(
    private readonly control: ControlClient,
    readonly number: number,
    /** When it was taken, in nanoseconds since 1970. */
    readonly time: number,
  ) {}

  /** The content, as lines of JSON. */
  text(): Promise<string> {
    return this.control.text("getSnapshot", { path: { number: this.number } }, "*/*");
  }

  /** Write the content into a file, which `S2Mock.load` and `s2mock --snapshot` read. */
  async save(path: string): Promise<void> {
    await writeFile(path, await this.text());
  }

  /** Remove it from the server. */
  async forget(): Promise<void> {
    await this.control.call("forgetSnapshot", { path: { number: this.number } });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.forget();
  }

  /** Load the content of a file. */
  static async load(control: ControlClient, path: string): Promise<Snapshot> {
    return Snapshot.parse(control, await readFile(path, "utf-8"));
  }

  /** Load content that `text` has returned. */
  static async parse(control: ControlClient, text: string): Promise<Snapshot> {
    const { number, time } = await control.sendText("takeSnapshot", text);
    return new Snapshot(control, number, time);
  }
}

/** A record, as a direct call of a test reads it. */
export type StoredRecord = { seqNum: number; timestamp: number; body: string; bytes: Uint8Array; headers: [string, string][] };

/** A stream for direct calls of a test, which are in no journal and meet no fault. */
export class StreamHandle {
  constructor(
    private readonly control: ControlClient,
    readonly basin: string,
    readonly name: string,
  ) {}

  /** All records that it holds now. */
  async records(): Promise<StoredRecord[]> {
    return toRecords((await this.control.call("lookAtRecords", { query: this.place })).records);
  }

  /** The bodies of all records, as text. */
  async bodies(): Promise<string[]> {
    return (await this.records()).map(({ body }) => body);
  }

  /** Wait until it holds that number of records, and return them. Throws `WaitTimeout`. */
  async waitForRecords(count = 1, { timeout = TIMEOUT }: Patience = {}): Promise<StoredRecord[]> {
    const query = { ...this.place, count, wait: timeout };
    return toRecords((await this.control.call("lookAtRecords", { query })).records);
  }

  /** Append a record for each text, and return the sequence number of the first. */
  async append(...bodies: string[]): Promise<number> {
    const path = `/streams/${encodeURIComponent(this.name)}/records`;
    const document = { records: bodies.map((body) => ({ body })) };
    return (await this.control.direct("POST", path, document, this.basin)).start.seq_num;
  }

  /** Look at it: its configuration, its tail, its fencing token. */
  look(): Promise<StreamView> {
    return this.control.call("lookAtStream", { query: this.place });
  }

  /** What the journal shows of it: each life that it had, with records that are gone, too. */
  history(): Promise<History> {
    return this.control.call("readHistory", { query: this.place });
  }

  /** The number of read sessions that follow at its tail. */
  async readers(): Promise<number> {
    return (await this.control.call("readReaders", { query: this.place })).readers;
  }

  /** Wait until that number of read sessions follows at its tail. Throws `WaitTimeout`. */
  async waitForReaders(count = 1, { timeout = TIMEOUT }: Patience = {}): Promise<void> {
    await this.control.call("readReaders", { query: { ...this.place, count, wait: timeout } });
  }

  private get place(): { basin: string; stream: string } {
    return { basin: this.basin, stream: this.name };
  }
}

/** A basin for direct calls of a test. */
export class BasinHandle {
  constructor(
    private readonly control: ControlClient,
    readonly name: string,
  ) {}

  /** A stream of it, which need not be there yet. */
  stream(name: string): StreamHandle {
    return new StreamHandle(this.control, this.name, name);
  }

  /** Create a stream. */
  async createStream(name: string, config?: StreamSeedConfig): Promise<StreamHandle> {
    await this.control.direct("POST", "/streams", { stream: name, ...(config ? { config } : {}) }, this.name);
    return this.stream(name);
  }

  /** Look at it: its configuration, its location. */
  look(): Promise<BasinView> {
    return this.control.call("lookAtBasin", { query: { basin: this.name } });
  }

  /** Create it. */
  async create(config?: BasinSeedConfig): Promise<this> {
    await this.control.direct("POST", "/basins", { basin: this.name, ...(config ? { config } : {}) });
    return this;
  }
}

function toRecords(records: Records): StoredRecord[] {
  return records.map(({ seq_num, timestamp, body, headers }) => {
    const bytes = Buffer.from(body ?? "", "base64");
    const pairs = (headers ?? []).map(([name, value]): [string, string] => [decode(name), decode(value)]);
    return { seqNum: seq_num, timestamp, body: bytes.toString("utf-8"), bytes, headers: pairs };
  });
}

function decode(base64: string | undefined): string {
  return Buffer.from(base64 ?? "", "base64").toString("utf-8");
}
