// Campaigns of s2mock: a scenario is run again and again, with each fault at each operation, in each
// order of its actors, or with a crash before and after each effect. Copy this file into your tests,
// with `s2mock.ts`.
import type { S2 } from "@s2-dev/streamstore";

import { call, type Fault, S2Mock } from "./s2mock.js";

type Where = { on: string | string[]; basin?: string; stream?: string; limit?: number };
type All = { options?: Record<string, unknown>; check?: boolean; required?: boolean };
export type Plan = All &
  (
    | ({ kind: "sweep"; faults: Fault[] } & Where)
    | { kind: "orders"; actors: string[]; max_runs?: number; max_faults?: number; faults?: Fault[] }
    | ({ kind: "crash" } & Where)
    // One attempt alone, as a report names it.
    | { kind: "sweep" | "orders" | "crash"; replay: unknown; actors?: string[]; [member: string]: unknown }
  );
export type Scenario = (attempt: Attempt) => Promise<void>;
type Actor = (s2: S2, signal: AbortSignal) => Promise<unknown>;
// For how many seconds one run may go on. The limit of the test runner has to be above it.
const PATIENCE = 30;
type Made = { number: number; token: string; actors: { name: string; token: string }[] };

// One run of the scenario, on an account of its own.
export class Attempt extends S2Mock {
  constructor(private readonly path: string, private readonly made: Made) {
    super(made.token);
  }

  // Run the actors, each on a client of its own; s2mock lets their operations go one at a time.
  async actors(functions: Record<string, Actor>): Promise<void> {
    const errors: string[] = [];
    const running = Promise.allSettled(
      Object.entries(functions).map(([name, run]) =>
        this.start(name, run).catch((error) => {
          errors.push(`${name} failed with ${error}`);
          throw error;
        }),
      ),
    );
    // It is answered when all have ended. If one does not, the message says what each waits for.
    const { message } = await call(undefined, "GET", `${this.path}?wait=${PATIENCE}`);
    if (message) throw new Error([message, ...errors].join("; "));
    const failed = (await running).find(({ status }) => status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }

  // Run the worker, and stop it at the point of this attempt; true if it was stopped. What it still
  // sends then is dropped. To stop a process, kill it when `signal` is aborted.
  async run(work: Actor): Promise<boolean> {
    const stop = new AbortController();
    const working = this.start("worker", work, stop.signal);
    const ended = working.then(() => false, () => false);
    // It is answered when the point is reached, or when the worker has ended by itself.
    const { reached } = await call(undefined, "GET", `${this.path}?wait=${PATIENCE}`);
    if (!reached) return working.then(() => false);
    stop.abort();
    await ended;
    return true;
  }

  private async start(name: string, run: Actor, signal = new AbortController().signal): Promise<void> {
    const { token } = this.made.actors.find((actor) => actor.name === name)!;
    try {
      await run(new S2Mock(token).client(), signal);
    } finally {
      await call(undefined, "POST", `${this.path}/actors/${name}/end`);
    }
  }
}

// Run the scenario in each attempt of the campaign, and fail with its report. A scenario that is a
// function with a name gets a test to paste. Returns the number of attempts.
export async function campaign(plan: Plan, scenario: Scenario): Promise<number> {
  const { number } = await call(undefined, "POST", "/campaigns", { scenario: scenario.name || undefined, ...plan });
  try {
    for (;;) {
      const made = await call(undefined, "POST", `/campaigns/${number}/attempts`);
      if (!made) break;
      const path = `/campaigns/${number}/attempts/${made.number}`;
      const end = await scenario(new Attempt(path, made)).then(
        () => ({ outcome: "passed" }),
        (error) => ({ outcome: "failed", message: String(error) }),
      );
      await call(undefined, "POST", `${path}/end`, end);
    }
    const { passed, attempts } = await call(undefined, "GET", `/campaigns/${number}`);
    if (!passed) throw new Error(await call(undefined, "GET", `/campaigns/${number}?language=typescript`));
    return attempts;
  } finally {
    await call(undefined, "DELETE", `/campaigns/${number}`);
  }
}
