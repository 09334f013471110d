// Faults, holds and hooks of an account.
import type { ControlClient } from "./control-client.js";
import { ControlError } from "./errors.js";
import type { Exchange, Fault, HoldState, InjectedFault, Operations } from "./types.js";

/** How many seconds of real time a wait lasts at most, 5 by default. */
export type Patience = { timeout?: number };
export const TIMEOUT = 5;
// Seconds after which a hook asks again, far below the limits of HTTP clients.
const HOOK_WAIT = 60;

/** A fault that was injected. */
export class Injection implements AsyncDisposable {
  constructor(
    private readonly control: ControlClient,
    readonly number: number,
  ) {}

  /** The state of it now: `hits`, `remaining`, `exchanges`, `complaint`. */
  state(): Promise<InjectedFault> {
    return this.control.call("getFault", { path: { number: this.number } });
  }

  /** The number of operations that it has affected. */
  async hits(): Promise<number> {
    return (await this.state()).hits;
  }

  /** Wait until it has affected that number of operations, and return them. Throws `WaitTimeout`. */
  async wait(hits = 1, { timeout = TIMEOUT }: Patience = {}): Promise<Exchange[]> {
    const path = { number: this.number };
    return (await this.control.call("getFault", { path, query: { hits, wait: timeout } })).exchanges;
  }

  /** Affect no more operations; the test no longer fails if it was not used up. Removing twice is harmless. */
  async remove(): Promise<void> {
    await forgiving(this.control.call("removeFault", { path: { number: this.number } }), 404);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }
}

/** Operations that are kept waiting at a point. */
export class Hold implements AsyncDisposable {
  constructor(
    private readonly control: ControlClient,
    readonly number: number,
  ) {}

  /** The state of it now: `count`, `released`, `exchanges`, `complaint`. */
  state(): Promise<HoldState> {
    return this.control.call("getHold", { path: { number: this.number } });
  }

  /** Wait until it holds that number of operations, and return them. Throws `WaitTimeout`. */
  async wait(count = 1, { timeout = TIMEOUT }: Patience = {}): Promise<Exchange[]> {
    const path = { number: this.number };
    return (await this.control.call("getHold", { path, query: { count, wait: timeout } })).exchanges;
  }

  /** Let all operations go on, or the one that is given, with a fault if one is given. */
  async release({ exchange, fault }: { exchange?: Exchange | number; fault?: Fault } = {}): Promise<void> {
    const number = typeof exchange === "object" ? exchange.held : exchange;
    const body = {
      ...(number === undefined || number === null ? {} : { exchange: number }),
      ...(fault === undefined ? {} : { fault }),
    };
    await this.control.call("release", { path: { number: this.number }, body });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/** A function that is called for operations: it returns nothing, or the fault for this operation. */
export type HookFunction = (exchange: Exchange) => void | undefined | Fault | Promise<void | undefined | Fault>;

/** A hook: operations wait at a point until its function has returned. */
export class Hook implements AsyncDisposable {
  /** The operations that it was called for. */
  readonly exchanges: Exchange[] = [];
  /** What its function has thrown. */
  readonly errors: unknown[] = [];
  private readonly calls = new Set<Promise<void>>();
  private readonly watching: Promise<void>;
  private isRemoved = false;

  constructor(
    private readonly control: ControlClient,
    private readonly hold: Hold,
    readonly on: Operations,
    private readonly run: HookFunction,
  ) {
    this.watching = this.watch();
  }

  /** The number of operations that it was called for. */
  get count(): number {
    return this.exchanges.length;
  }

  /** Call the function for no more operations, once the calls in progress have returned. */
  async remove(): Promise<void> {
    this.isRemoved = true;
    await Promise.all(this.calls);
    await forgiving(this.hold.release(), 404, 401, 409);
    await this.watching;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.remove();
  }

  private async watch(): Promise<void> {
    let seen = 0;
    for (;;) {
      let state: HoldState;
      try {
        const query = { count: seen + 1, wait: HOOK_WAIT };
        state = await this.control.call("getHold", { path: { number: this.hold.number }, query });
      } catch (error) {
        if (error instanceof ControlError && error.status === 408) continue;
        // The account or the server has ended, which other calls report.
        return;
      }
      for (const exchange of state.exchanges.slice(seen)) this.begin(exchange);
      seen = state.exchanges.length;
      if (state.released) return;
    }
  }

  private begin(exchange: Exchange): void {
    const call = this.call(exchange).finally(() => this.calls.delete(call));
    this.calls.add(call);
  }

  private async call(exchange: Exchange): Promise<void> {
    let fault: Fault | undefined;
    if (!this.isRemoved) {
      this.exchanges.push(exchange);
      try {
        fault = (await this.run(exchange)) ?? undefined;
      } catch (error) {
        this.errors.push(error);
      }
    }
    try {
      await this.hold.release({ exchange, ...(fault === undefined ? {} : { fault }) });
    } catch (error) {
      if (fault === undefined) return;
      // The fault has no meaning here, and the operation has to go on.
      this.errors.push(error);
      await forgiving(this.hold.release({ exchange }), 404, 401, 409);
    }
  }
}

/** Wait for a call, and ignore an error with one of these statuses. */
export async function forgiving(call: Promise<unknown>, ...statuses: number[]): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof ControlError) || !statuses.includes(error.status)) throw error;
  }
}
