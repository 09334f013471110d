// A power of s2mock for tests that run in a browser, whose pages must send the control token.
const headers = { "S2Mock-Control-Token": "secret", "content-type": "application/json" };

export async function inject(url: string, fault: object, on: string): Promise<void> {
  const body = JSON.stringify({ fault, on });
  const answer = await fetch(`${url}/_s2mock/faults`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error((await answer.json()).message);
}
