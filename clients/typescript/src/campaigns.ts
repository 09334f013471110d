// Campaigns: a scenario is run again and again, with each fault at each operation, in each order of its
// actors, or with a crash before and after each effect.
// Those of node, since a test may replace the global ones.
import { clearTimeout, setTimeout } from "node:timers";

import { Account, Client, toRequest } from "./account.js";
import type { ControlClient } from "./control-client.js";
import { CampaignFailed } from "./errors.js";
import { forgiving } from "./powers.js";
import type { CampaignAttempt, CampaignPlan, CampaignReport } from "./types.js";

/** Runs one attempt. The name of the function is in the test to paste that a report has. */
export type Scenario = (attempt: Attempt) => Promise<unknown>;
/** An actor or a worker: it uses the server with its own token, by which its operations are known. */
export type ActorFunction = (actor: Actor) => Promise<unknown>;

// Seconds of real time in which a run has to end.
const WAIT = 30;
// Milliseconds in which a stopped worker should end.
const STOP_MILLISECONDS = 5000;

/** An actor of an attempt, or its worker. */
export class Actor extends Client {
  constructor(
    url: string,
    token: string,
    readonly name: string,
    /** Aborted when a worker is stopped, as by a crash: to stop a process, kill it then. */
    readonly signal: AbortSignal,
  ) {
    super(url, token);
  }
}

/** One run of the scenario, on an account of its own. */
export class Attempt extends Account {
  private readonly path: { number: number; attempt: number };

  constructor(
    server: ControlClient,
    private readonly made: CampaignAttempt,
  ) {
    super(server.as(made.token), made.token);
    this.path = { number: made.campaign, attempt: made.number };
  }

  /** The number of the attempt, from 1 on. */
  get number(): number {
    return this.made.number;
  }

  /** What is done in it, such as `a crash before append 2`. */
  get title(): string {
    return this.made.title;
  }

  /** Run the actors, each with its own token; the server lets their operations go one at a time. */
  async actors(functions: Record<string, ActorFunction>): Promise<void> {
    const errors: string[] = [];
    const running = Promise.allSettled(
      Object.entries(functions).map(([name, run]) =>
        this.start(name, run).catch((error: unknown) => {
          errors.push(`${name} failed with ${String(error)}`);
          throw error;
        }),
      ),
    );
    // It is answered when all have ended. If one does not end, the message says what each waits for.
    const { message } = await this.wait();
    if (message) throw new Error([message, ...errors].join("; "));
    for (const result of await running) if (result.status === "rejected") throw result.reason;
  }

  /**
   * Run the worker, and stop it at the point of this attempt; true if it was stopped. What it still sends
   * then is dropped.
   */
  async run(work: ActorFunction): Promise<boolean> {
    const stop = new AbortController();
    const working = this.start("worker", work, stop.signal);
    const ended = working.then(
      () => undefined,
      () => undefined,
    );
    // It is answered when the point is reached, or when the worker has ended by itself.
    const { reached } = await this.wait();
    if (!reached) {
      await working;
      return false;
    }
    stop.abort();
    // One that ignores the signal is left alone: all that it sends is dropped.
    let late: NodeJS.Timeout | undefined;
    await Promise.race([ended, new Promise((resolve) => (late = setTimeout(resolve, STOP_MILLISECONDS)))]);
    clearTimeout(late);
    // It may have ended before, with the connection that it has lost.
    await forgiving(this.control.as(undefined).call("reportCrash", { path: this.path }), 409);
    return true;
  }

  protected override async finish(): Promise<void> {
    // The account of an attempt ends with it.
  }

  private async wait(): Promise<CampaignAttempt> {
    return this.control.as(undefined).call("getAttempt", { path: this.path, query: { wait: WAIT } });
  }

  private async start(name: string, run: ActorFunction, signal = new AbortController().signal): Promise<void> {
    const made = this.made.actors.find((actor) => actor.name === name);
    if (made === undefined) {
      const known = this.made.actors.map((actor) => actor.name).join(", ") || "none";
      throw new Error(`this attempt has no actor ${JSON.stringify(name)}: there are ${known}`);
    }
    try {
      await run(new Actor(this.url, made.token, name, signal));
    } finally {
      const ending = this.control.as(undefined).call("endActor", { path: { ...this.path, actor: name } });
      // A worker that was stopped may end when its attempt has ended.
      await (signal.aborted ? forgiving(ending, 404, 409) : ending);
    }
  }
}

/** Run the scenario in each attempt of a campaign. Throws `CampaignFailed` with the report. */
export async function runCampaign(
  server: ControlClient,
  { options, ...plan }: CampaignPlan,
  scenario: Scenario,
): Promise<CampaignReport> {
  const named = /^[\p{L}_]\w*$/u.test(scenario.name) ? { scenario: scenario.name } : {};
  const body = { ...named, ...plan, ...(options === undefined ? {} : { options: toRequest(options) }) };
  const { number } = await server.call("makeCampaign", { body });
  const path = { number };
  try {
    for (;;) {
      const made = await server.call("beginAttempt", { path });
      if (made === undefined) break;
      const attempt = new Attempt(server, made);
      const message = await failureOf(attempt, scenario);
      const end = message === undefined ? { outcome: "passed" as const } : { outcome: "failed" as const, message };
      await server.call("endAttempt", { path: { ...path, attempt: made.number }, body: end });
    }
    const report = await server.call("reportCampaign", { path });
    if (!report.passed) {
      const query = { language: "typescript" as const };
      throw new CampaignFailed((await server.text("reportCampaign", { path, query })).trimEnd());
    }
    return report;
  } finally {
    await server.call("endCampaign", { path });
  }
}

async function failureOf(attempt: Attempt, scenario: Scenario): Promise<string | undefined> {
  let message: string | undefined;
  try {
    await scenario(attempt);
  } catch (error) {
    message = String(error);
  }
  try {
    await attempt.end({ failed: message !== undefined });
  } catch (error) {
    message ??= String(error);
  }
  return message;
}
