import { Account, toRequest } from "./account.js";
import { runCampaign, type Scenario } from "./campaigns.js";
import { ControlClient } from "./control-client.js";
import { ServerProcess } from "./executable.js";
import type {
  AccountOptions,
  CampaignPlan,
  CampaignReport,
  CrashPlan,
  ListedAccount,
  OrdersPlan,
  SweepPlan,
} from "./types.js";
import { Snapshot } from "./views.js";

/** How to start a server, or which one to use. */
export type StartOptions = {
  /** The address of a running server; by default that in `S2MOCK_URL`. */
  url?: string;
  /** The token of a server that was started with `--control-token`; by default that in `S2MOCK_CONTROL_TOKEN`. */
  controlToken?: string;
  /** More options of the command line, such as `["--deletion-delay", "1"]`, for a server that is started. */
  options?: string[];
};

/** A server, on which each test makes an account of its own. */
export class S2Mock implements AsyncDisposable {
  private readonly accounts = new Set<Account>();

  private constructor(
    /** Requests to the control API, for what has no method here. */
    readonly control: ControlClient,
    private readonly process: ServerProcess | undefined,
  ) {}

  /**
   * Use the server at `S2MOCK_URL`, else start the executable in `S2MOCK_BIN`, else that of this package. A
   * server that is started ends with `stop`, and with this process.
   */
  static async start(options: StartOptions = {}): Promise<S2Mock> {
    const url = options.url ?? process.env["S2MOCK_URL"];
    const controlToken = options.controlToken ?? process.env["S2MOCK_CONTROL_TOKEN"];
    if (url) {
      const control = new ControlClient(url.replace(/\/+$/, ""), undefined, controlToken);
      await checkServer(control);
      return new S2Mock(control, undefined);
    }
    const extra = controlToken === undefined ? [] : ["--control-token", controlToken];
    const server = await ServerProcess.start(["--accounts-only", ...extra, ...(options.options ?? [])]);
    return new S2Mock(new ControlClient(server.url, undefined, controlToken), server);
  }

  /** The address of the server, for HTTP/1.1 and HTTP/2 without TLS. */
  get url(): string {
    return this.control.url;
  }

  /** The variables with which other processes, such as workers of a test runner, use this server. */
  get env(): Record<string, string> {
    const { controlToken } = this.control;
    return { S2MOCK_URL: this.url, ...(controlToken === undefined ? {} : { S2MOCK_CONTROL_TOKEN: controlToken }) };
  }

  /** Make an account. Tests that run at the same time have one each, and never meet. */
  async account(options: AccountOptions = {}): Promise<Account> {
    const { token } = await this.control.call("makeAccount", { body: toRequest(options) });
    const account = new Account(this.control.as(token), token, options);
    this.accounts.add(account);
    return account;
  }

  /**
   * Run a test on an account of its own, and end the account. If the test throws, the timeline is added to
   * the message of its error; if it passes, an unused fault or hold fails it.
   */
  async run<Value>(options: AccountOptions, test: (account: Account) => Promise<Value>): Promise<Value> {
    const account = await this.account({ ...nameOfTest(), ...options });
    let value: Value;
    try {
      value = await test(account);
    } catch (error) {
      await addReport(error, account);
      await account.end({ failed: true });
      throw error;
    }
    await account.end();
    return value;
  }

  /** All accounts of the server. */
  async list(): Promise<ListedAccount[]> {
    return (await this.control.call("listAccounts", {})).accounts;
  }

  /** Load a snapshot from a file, for the option `snapshot` or for `restore`. */
  load(path: string): Promise<Snapshot> {
    return Snapshot.load(this.control, path);
  }

  /** Run a scenario in each attempt of a campaign. Throws `CampaignFailed`, with a test to paste. */
  campaign(plan: CampaignPlan, scenario: Scenario): Promise<CampaignReport> {
    return runCampaign(this.control, plan, scenario);
  }

  /** Run a scenario with each fault at each matching operation. */
  sweep(plan: SweepPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "sweep", ...plan }, scenario);
  }

  /** Run a scenario in each order in which the operations of its actors can take effect. */
  orders(plan: OrdersPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "orders", ...plan }, scenario);
  }

  /** Run a scenario with a crash of its worker before and after each effect. */
  crashes(plan: CrashPlan, scenario: Scenario): Promise<CampaignReport> {
    return this.campaign({ kind: "crash", ...plan }, scenario);
  }

  /** End the accounts that were made here, and the server if it was started here. Stopping twice is harmless. */
  async stop(): Promise<void> {
    const accounts = [...this.accounts];
    this.accounts.clear();
    for (const account of accounts) await account.end({ failed: true }).catch(() => undefined);
    await this.process?.stop();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Add the report of an account to the message of the error with which its test fails. */
export async function addReport(error: unknown, account: Account): Promise<void> {
  if (!(error instanceof Error)) return;
  const report = await account.report().catch((failure: unknown) => `s2mock has no report: ${String(failure)}`);
  const { message, stack } = error;
  const longer = `${message}\n\n${report}`;
  error.message = longer;
  // Test runners print the stack, which has the message in it.
  if (stack?.includes(message)) error.stack = stack.replace(message, () => longer);
}

/** The name of the test that runs now, where a runner tells it (jest, and vitest with globals). */
function nameOfTest(): { name?: string } {
  const { expect } = globalThis as { expect?: { getState?: () => { currentTestName?: string } } };
  const name = expect?.getState?.().currentTestName;
  return name ? { name } : {};
}

async function checkServer(control: ControlClient): Promise<void> {
  let name: unknown;
  let why = "it serves no /_s2mock";
  try {
    ({ name } = await control.call("index", {}));
  } catch (error) {
    why = (error as Error).message;
  }
  if (name !== "s2mock") {
    throw new Error(
      `there is no s2mock at S2MOCK_URL=${control.url}: ${why}. Start one there, or unset S2MOCK_URL to start ` +
        "the executable",
    );
  }
}
