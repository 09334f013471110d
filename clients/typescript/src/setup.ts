// One server for a run of tests: the `globalSetup` of vitest and of jest. Their workers use it by
// `S2MOCK_URL`, which they inherit.
import { S2Mock } from "./server.js";

/** Start the server, and return the function that stops it, as vitest calls it. */
export async function setup(): Promise<() => Promise<void>> {
  const s2 = await S2Mock.start();
  const before = { ...process.env };
  Object.assign(process.env, s2.env);
  const stop = async (): Promise<void> => {
    for (const name of Object.keys(s2.env)) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await s2.stop();
  };
  return stop;
}

export default setup;
