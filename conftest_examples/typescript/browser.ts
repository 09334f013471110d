// A power of s2mock for tests that run in a browser, whose pages must send the control token.
type Account = { url: string; token: string };

export async function inject({ url, token }: Account, fault: object, on: string): Promise<void> {
  const headers = {
    "S2Mock-Control-Token": "secret",
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
  };
  const body = JSON.stringify({ fault, on });
  const answer = await fetch(`${url}/_s2mock/faults`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error((await answer.json()).message);
}
