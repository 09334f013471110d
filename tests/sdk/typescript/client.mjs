// What the tests share: a client made from the environment, as a user's program makes it.
import assert from "node:assert/strict";

import { S2, S2Environment, S2Error } from "@s2-dev/streamstore";

export function connect(options = {}) {
  return new S2({ ...S2Environment.parse(), ...options });
}

// The call fails with this answer of the server. Where the SDK says so, it was its own idea.
export async function refused(call, status, code, message, origin = "server") {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof S2Error, `${error}`);
    assert.equal(error.origin, origin);
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    if (message !== undefined) {
      assert.ok(error.message.startsWith(message), error.message);
    }
    return true;
  });
}

export async function names(listing) {
  const found = [];
  for await (const { name } of listing) {
    found.push(name);
  }
  return found;
}
