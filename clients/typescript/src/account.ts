import { writeFile } from "node:fs/promises";

import type { Scenario } from "./campaigns.js";
import type { ControlClient } from "./control-client.js";
import { UnusedFault } from "./errors.js";
import { forgiving, Hold, Hook, type HookFunction, Injection, type Patience } from "./powers.js";
import type {
  AccountOptions,
  CampaignPlan,
  CampaignReport,
  ClockState,
  Coverage,
  CrashPlan,
  Exchange,
  Faults,
  HoldWhere,
  HookWhere,
  Operations,
  OrdersPlan,
  Overview,
  Status,
  SweepPlan,
  TokenScope,
  Where,
} from "./types.js";
import { BasinHandle, Clock, Journal, Snapshot, StreamHandle } from "./views.js";

// The account whose variables are in `process.env`, and what was there before.
let exported: { account: Client; before: Map<string, string | undefined> } | undefined;

/** A token with which clients use the server: of an account, an actor, or one that was issued. */
export class Client {
  constructor(
    /** The server, for HTTP/1.1 and HTTP/2 without TLS. */
    readonly url: string,
    readonly token: string,
  ) {}

  /** The options of the official SDK for a client of it: `new S2(account.clientOptions)`. */
  get clientOptions(): { accessToken: string; endpoints: { account: string; basin: string } } {
    return { accessToken: this.token, endpoints: { account: this.url, basin: this.url } };
  }

  /** The variables that point S2's SDKs and command line to it, for a process that reads them by itself. */
  get env(): Record<"S2_ACCOUNT_ENDPOINT" | "S2_BASIN_ENDPOINT" | "S2_ACCESS_TOKEN", string> {
    return { S2_ACCOUNT_ENDPOINT: this.url, S2_BASIN_ENDPOINT: this.url, S2_ACCESS_TOKEN: this.token };
  }

  /**
   * Set `env` in `process.env`, for code that reads it by itself, until `restoreEnv` or `end`. A process
   * has one environment, so tests that do this cannot run at the same time in one process.
   */
  useEnv(): void {
    if (exported !== undefined && exported.account !== this) {
      throw new Error(
        "process.env has the variables of another account: end that one first, and run tests that " +
          "call useEnv() one after the other",
      );
    }
    if (exported !== undefined) return;
    const before = new Map(Object.keys(this.env).map((name) => [name, process.env[name]]));
    exported = { account: this, before };
    Object.assign(process.env, this.env);
  }

  /** Take back what `useEnv` has set. */
  restoreEnv(): void {
    if (exported?.account !== this) return;
    for (const [name, value] of exported.before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    exported = undefined;
  }
}

/** An access token that an account has issued. */
export class IssuedToken extends Client {
  constructor(
    private readonly control: ControlClient,
    readonly id: string,
    token: string,
  ) {
    super(control.url, token);
  }

  /** Revoke it. */
  async revoke(): Promise<void> {
    await this.control.direct("DELETE", `/access-tokens/${encodeURIComponent(this.id)}`);
  }
}

/** An account of its own on the server: basins, streams, faults, a clock, a journal. */
export class Account extends Client implements AsyncDisposable {
  readonly journal: Journal;
  readonly clock: Clock;
  private readonly hooks: Hook[] = [];
  private readonly forks: Account[] = [];
  private isEnded = false;

  constructor(
    /** Requests to the control API, for what has no method here. */
    readonly control: ControlClient,
    token: string,
    readonly options: AccountOptions = {},
  ) {
    super(control.url, token);
    this.journal = new Journal(control);
    this.clock = new Clock(control);
  }

  /** The name that it has on the page and in reports. */
  get name(): string | undefined {
    return this.options.name;
  }

  /**
   * Let the next matching operation meet a fault, such as `{ Drop: { committed: true } }`; or the next
   * ones, one of a list each.
   */
  async inject(fault: Faults, where: Where): Promise<Injection> {
    const { number } = await this.control.call("inject", { body: { fault, ...where } });
    return new Injection(this.control, number);
  }

  /** Keep the next matching operation waiting at a point, by default `commit`. */
  async hold(where: HoldWhere): Promise<Hold> {
    const { number } = await this.control.call("hold", { body: where });
    return new Hold(this.control, number);
  }

  /** Call a function when a matching operation reaches a point, by default `commit`. */
  async on(operation: Operations, run: HookFunction, where: HookWhere = {}): Promise<Hook> {
    const body = { times: null, ...where, on: operation, required: false, hook: true };
    const { number } = await this.control.call("hold", { body });
    const hook = new Hook(this.control, new Hold(this.control, number), operation, run);
    this.hooks.push(hook);
    return hook;
  }

  /** Advance a manual clock by seconds. */
  advance(seconds: number): Promise<ClockState> {
    return this.clock.advance(seconds);
  }

  /** Take a snapshot of the state now. */
  async snapshot(): Promise<Snapshot> {
    const { number, time } = await this.control.call("takeSnapshot", {});
    return new Snapshot(this.control, number, time);
  }

  /** Go back to a snapshot. The token stays; connections are dropped. */
  async restore(snapshot: Snapshot | number): Promise<void> {
    const number = typeof snapshot === "number" ? snapshot : snapshot.number;
    await this.control.call("restore", { path: { number } });
  }

  /** Make an account that starts as this one is now. It ends with this one. */
  async fork(): Promise<Account> {
    const { token } = await this.control.call("fork", {});
    const fork = new Account(this.control.as(token), token, this.options);
    this.forks.push(fork);
    return fork;
  }

  /** Start again as it started; the token stays, faults and holds are gone. */
  async reset(): Promise<void> {
    await this.control.call("reset", {});
  }

  /** The number of read sessions that follow at the tail of a stream. */
  readers(basin: string, stream: string): Promise<number> {
    return this.stream(basin, stream).readers();
  }

  /** Wait until that number of read sessions follows at the tail of a stream. Throws `WaitTimeout`. */
  waitForReaders(basin: string, stream: string, count = 1, patience: Patience = {}): Promise<void> {
    return this.stream(basin, stream).waitForReaders(count, patience);
  }

  /** A basin for direct calls, which are in no journal and meet no fault. */
  basin(name: string): BasinHandle {
    return new BasinHandle(this.control, name);
  }

  /** A stream for direct calls, which are in no journal and meet no fault. */
  stream(basin: string, stream: string): StreamHandle {
    return new StreamHandle(this.control, basin, stream);
  }

  /** All streams, and their basins. */
  streams(): Promise<Overview> {
    return this.control.call("listStreams", {});
  }

  /** Issue an access token. `expiresAt` is a date; without it the token has no end. */
  async issueToken(
    id: string,
    scope: TokenScope = {},
    { expiresAt, autoPrefixStreams }: { expiresAt?: Date; autoPrefixStreams?: boolean } = {},
  ): Promise<IssuedToken> {
    const document = {
      id,
      scope,
      ...(expiresAt === undefined ? {} : { expires_at: expiresAt.toISOString() }),
      ...(autoPrefixStreams === undefined ? {} : { auto_prefix_streams: autoPrefixStreams }),
    };
    const { access_token: token } = await this.control.direct("POST", "/access-tokens", document);
    return new IssuedToken(this.control, id, token);
  }

  /** The service is gone while a function runs, or without one until `endOutage`. */
  async outage<Value>(run?: () => Promise<Value>): Promise<Value | undefined> {
    await this.control.call("beginOutage", {});
    if (run === undefined) return undefined;
    try {
      return await run();
    } finally {
      await this.endOutage();
    }
  }

  /** The service is back. */
  async endOutage(): Promise<void> {
    await this.control.call("endOutage", {});
  }

  /** Run a scenario with each fault at each matching operation. Attempts have the options of this account. */
  sweep(plan: SweepPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "sweep", ...plan }, scenario);
  }

  /** Run a scenario in each order of its actors. Attempts have the options of this account. */
  orders(plan: OrdersPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "orders", ...plan }, scenario);
  }

  /** Run a scenario with a crash at each point. Attempts have the options of this account. */
  crashes(plan: CrashPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "crash", ...plan }, scenario);
  }

  /** Exchanges with advice that was not taken yet: requests that S2 accepts and that are probably mistakes. */
  async advice(): Promise<Exchange[]> {
    return (await this.control.call("takeAdvice", {})).exchanges;
  }

  /** What the requests of the account have covered, and what they have not. */
  coverage(): Promise<Coverage> {
    return this.control.call("readCoverage", {});
  }

  /** What is going on: the clock, its waiters, faults, holds, hooks. */
  status(): Promise<Status> {
    return this.control.call("readStatus", {});
  }

  /** Write the page of the account into a file, for a person to read after the test. */
  async savePage(path: string): Promise<void> {
    await writeFile(path, await this.control.text("getReport", {}, "text/html"));
  }

  /**
   * The text for the report of a failed test: its timeline, what it has not used, and what was applied late
   * and never landed, which is dropped.
   */
  async report(): Promise<string> {
    const title = this.name === undefined ? "" : ` (${this.name})`;
    const [first = "", ...lines] = (await this.journal.timeline()).split("\n");
    const complaints = await this.complaints();
    const { remarks } = await this.control.call("dropLate", {});
    return [`--- ${first}${title} ---`, ...lines, ...complaints, ...remarks].join("\n");
  }

  /** Why the test fails if it ends now: faults that never fired, holds that nothing reached, hooks that failed. */
  async complaints(): Promise<string[]> {
    const { faults } = await this.control.call("listFaults", {});
    const { holds } = await this.control.call("listHolds", {});
    const unused = [...faults, ...holds].map(({ complaint }) => complaint);
    const failed = this.hooks.flatMap(({ on, errors }) =>
      errors.map((error) => `a hook on ${JSON.stringify(on)} failed: ${describe(error)}`),
    );
    return [...unused, ...failed].filter((text) => text !== null);
  }

  /**
   * End the account: its sessions, connections and holds, its forks, its hooks. Throws `UnusedFault` for a
   * fault that never fired, a hold that nothing reached and a hook that failed, unless `failed` says that
   * the test has failed anyway. Ending twice is harmless.
   */
  async end({ failed = false } = {}): Promise<void> {
    this.restoreEnv();
    if (this.isEnded) return;
    this.isEnded = true;
    // A hook in progress may fail, and waits for nothing that ends later than here.
    const removed = Promise.all(this.hooks.map((hook) => hook.remove()));
    if (!failed) await removed;
    const complaints = failed ? [] : await this.complaints();
    for (const fork of this.forks) await fork.end({ failed: true });
    await this.finish();
    await removed;
    if (complaints.length > 0) throw new UnusedFault(complaints.join("\n"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  /** End the account on the server. */
  protected async finish(): Promise<void> {
    await forgiving(this.control.call("endAccount", {}), 401);
  }

  private async campaign(plan: CampaignPlan, scenario: Scenario): Promise<CampaignReport> {
    // Imported late, since an attempt is an account.
    const { runCampaign } = await import("./campaigns.js");
    const options = { ...this.options, ...plan.options };
    return runCampaign(this.control.as(undefined), { ...plan, options }, scenario);
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

/** The members of a request for these options. */
export function toRequest({ snapshot, ...options }: AccountOptions) {
  const number = typeof snapshot === "object" ? snapshot.number : snapshot;
  return { ...options, ...(number === undefined ? {} : { snapshot: number }) };
}
