// The powers of s2mock, for any test runner. Copy this file into your tests.
//
// The server is the one that the environment names: `python -m s2mock run -- vitest run` starts
// one. Each test takes an account of its own there, so that tests run in parallel.
import { S2 } from "@s2-dev/streamstore";

const url = process.env.S2_ACCOUNT_ENDPOINT ?? "http://127.0.0.1:8080";

// As in `{ Fail: { code: "unavailable", committed: true } }`, or `{ Drop: {} }`.
export type Fault = Record<string, Record<string, unknown>>;
export type Where = { on: string | string[]; basin?: string; stream?: string; skip?: number; times?: number | null };
export type Exchange = {
  number: number;
  operation: string | null;
  request: { method: string; path: string; document: any };
  response: { status: number; code: string | null } | null;
  effect: { committed: boolean; first_seq_num: number | null; last_seq_num: number | null };
};

export async function call(token: string | undefined, method: string, path: string, body?: unknown): Promise<any> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(`${url}/_s2mock${path}`, { method, headers, body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(JSON.parse(text).message);
  return answer.headers.get("content-type") === "application/json" ? JSON.parse(text) : text;
}

export class S2Mock {
  constructor(readonly token: string) {}

  // Options are those of the account: basins, clock, deletion_delay, snapshot and others.
  static async account(options: Record<string, unknown> = {}): Promise<S2Mock> {
    return new S2Mock((await call(undefined, "POST", "/accounts", options)).token);
  }

  // A client of this account. Retries wait no time.
  client(): S2 {
    const retry = { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 };
    return new S2({ accessToken: this.token, endpoints: { account: url, basin: url }, retry });
  }

  // Let the next operation that matches meet with the fault.
  inject(fault: Fault | (Fault | null)[], where: Where): Promise<{ number: number }> {
    return call(this.token, "POST", "/faults", { fault, ...where });
  }

  // Keep the next operation that matches waiting, until it is released.
  async hold(where: Where & { at?: "arrival" | "commit" | "answer" }) {
    const { number } = await call(this.token, "POST", "/holds", where);
    return {
      arrived: (count = 1) => call(this.token, "GET", `/holds/${number}?count=${count}&wait=5`),
      release: () => call(this.token, "POST", `/holds/${number}/release`),
    };
  }

  // What was asked and answered; with `count`, as soon as there is so much of it.
  async journal(operation: string, count?: number): Promise<Exchange[]> {
    const wait = count === undefined ? "" : `&count=${count}&wait=5`;
    return (await call(this.token, "GET", `/journal?operation=${operation}${wait}`)).exchanges;
  }

  // Turn the clock of an account that was made with `clock: "manual"`.
  advance(seconds: number): Promise<{ date: string }> {
    return call(this.token, "POST", "/clock/advance", { seconds });
  }

  // The end of the test: fails it if a fault never fired, or a hold held nothing.
  async end(): Promise<void> {
    const { faults } = await call(this.token, "GET", "/faults");
    const { holds } = await call(this.token, "GET", "/holds");
    await call(this.token, "DELETE", "/accounts");
    const unused = [...faults, ...holds].map((one: any) => one.complaint).filter(Boolean);
    if (unused.length > 0) throw new Error(unused.join("\n"));
  }
}
