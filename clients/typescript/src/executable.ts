// The server as a process: which program it is, how it starts, and how it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import * as path from "node:path";
// Those of node, since a test may replace the global ones.
import { clearTimeout, setTimeout } from "node:timers";

const ROOT = path.join(__dirname, "..", "executable");
// It is ready within a second; a machine under load takes longer.
const START_MILLISECONDS = 60_000;

/** The path of the executable: that in `S2MOCK_BIN`, else that of this package for this system. Throws. */
export function findExecutable(env: NodeJS.ProcessEnv = process.env): string {
  const chosen = env["S2MOCK_BIN"];
  if (chosen) {
    if (!existsSync(chosen)) {
      throw new Error(`S2MOCK_BIN=${chosen} is no file: it must be the path of the executable s2mock`);
    }
    return chosen;
  }
  const system = `${process.platform}-${process.arch}`;
  const bundled = path.join(ROOT, system, "s2mock");
  if (existsSync(bundled)) return bundled;
  const there = existsSync(ROOT) ? readdirSync(ROOT).join(", ") : "";
  throw new Error(
    `this package has no executable for ${system}; it has ${there || "none"}. Set S2MOCK_BIN to one that ` +
      "`make binary` has built for this system, or S2MOCK_URL to the address of a running s2mock",
  );
}

/** A server that this process has started. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {}

  /** Start the server on a free port; it ends with this process. Throws with what it prints if it fails. */
  static async start(options: string[]): Promise<ServerProcess> {
    const program = findExecutable();
    const child = spawn(program, ["--port", "0", "--with-parent", ...options], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let errors = "";
    child.stderr.setEncoding("utf-8").on("data", (text: string) => (errors = (errors + text).slice(-10_000)));
    const url = await new Promise<string>((resolve, reject) => {
      let output = "";
      const late = setTimeout(() => fail(`it was not ready after ${START_MILLISECONDS / 1000} s`), START_MILLISECONDS);
      const fail = (why: string): void => {
        clearTimeout(late);
        child.kill();
        reject(new Error(`${program} did not start: ${why}\n${errors}`.trimEnd()));
      };
      child.on("error", (error) => fail(error.message));
      // With all that it has printed.
      child.on("close", (status, signal) => fail(`it ended with ${signal ?? `status ${status}`}`));
      child.stdout.setEncoding("utf-8").on("data", (text: string) => {
        output += text;
        const found = /^export S2_ACCOUNT_ENDPOINT=(\S+)\n/m.exec(output);
        if (found?.[1] === undefined) return;
        clearTimeout(late);
        resolve(found[1]);
      });
    });
    // A test runner ends without waiting for it, and it ends then.
    child.unref();
    for (const stream of [child.stdout, child.stderr]) (stream as unknown as { unref(): void }).unref();
    return new ServerProcess(child, url);
  }

  /** Stop the server, and wait until it has ended. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.ref();
    this.child.kill("SIGTERM");
    await ended;
  }
}
