#!/usr/bin/env node
// `npx s2mock lite | run | proxy`: the executable with these arguments, in this place.
import { spawn } from "node:child_process";
import { constants } from "node:os";

import { findExecutable } from "./executable.js";

function main(): void {
  let program: string;
  try {
    program = findExecutable();
  } catch (error) {
    console.error(`s2mock: ${(error as Error).message}`);
    process.exitCode = 1;
    return;
  }
  const child = spawn(program, process.argv.slice(2), { stdio: "inherit" });
  // The terminal sends its signals to both.
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, () => undefined);
  child.on("error", (error) => {
    console.error(`s2mock: cannot run ${program}: ${error.message}`);
    process.exitCode = 126;
  });
  child.on("exit", (status, signal) => {
    process.exit(status ?? 128 + (signal === null ? 0 : constants.signals[signal]));
  });
}

main();
