// A client of an account, of an actor or of a token. Retries wait no time.
import { S2 } from "@s2-dev/streamstore";
import type { Client } from "s2mock";

export function connect(client: Client): S2 {
  const retry = { minBaseDelayMillis: 0, maxBaseDelayMillis: 0 };
  return new S2({ ...client.clientOptions, retry });
}
