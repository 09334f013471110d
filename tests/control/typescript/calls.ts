// Calls of the documentation, with the types that openapi-typescript generates, against a server.
// It prints each request, as a line of JSON.
import createClient from "openapi-fetch";
import type { components, paths } from "./control.js";

type Schemas = components["schemas"];

const url = process.env.S2MOCK_URL ?? "http://127.0.0.1:8080";
// Of the two forms of the journal: JSON, not the events.
const client = createClient<paths, "application/json">({ baseUrl: url });
let token: string | undefined;

client.use({
  async onRequest({ request }) {
    const { pathname, search } = new URL(request.url);
    const text = await request.clone().text();
    console.log(JSON.stringify([request.method, pathname + search, text === "" ? null : JSON.parse(text)]));
    if (token !== undefined) request.headers.set("authorization", `Bearer ${token}`);
    return request;
  },
});

// The data of an answer; an error is a value of its own type.
function data<T>(answer: { data?: T; error?: Schemas["Error"] | Schemas["S2Error"] }): T {
  if (answer.error !== undefined) throw new Error(`${answer.error.code}: ${answer.error.message}`);
  return answer.data as T;
}

function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(what);
}

// The code under test: a client of S2.
async function s2(method: string, path: string, body?: unknown): Promise<number> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { "s2-basin": "my-basin", "content-type": "application/json", authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  await answer.text();
  return answer.status;
}
const append = (stream: string) => s2("POST", `/v1/streams/${stream}/records`, { records: [{ body: "a book" }] });

async function inject(request: Schemas["FaultRequest"]): Promise<Schemas["InjectedFault"]> {
  return data(await client.POST("/_s2mock/faults", { body: request }));
}

// The arguments of a fault, by its name.
function describe(fault: Schemas["Fault"]): string {
  if ("Fail" in fault) return fault.Fail.code;
  if ("Answer" in fault) return String(fault.Answer.status);
  return Object.keys(fault).join();
}

const account = await client.POST("/_s2mock/accounts", { body: { "basins": ["my-basin"], "clock": "manual" } });
token = data(account).token;
check((await s2("PUT", "/_s2mock/v1/streams/log")) === 201, "the stream is made");
const snapshot = data(await client.POST("/_s2mock/snapshots"));

const hold = data(await client.POST("/_s2mock/holds", { body: {"on": "append", "at": "commit"} }));
const dropped = append("log").then(() => false, () => true);
const params = { path: { number: hold.number }, query: { count: 1, wait: 5 } };
const held = data(await client.GET("/_s2mock/holds/{number}", { params }));
check(held.exchanges[0]?.operation === "append", "an append is held");
const release = { path: { number: hold.number } };
data(await client.POST("/_s2mock/holds/{number}/release", { params: release, body: {"exchange": 1, "fault": {"Drop": {}}} }));
check(await dropped, "the append is dropped");

await inject({"on": "append", "fault": {"Fail": {"code": "unavailable", "committed": true}}});
check((await append("log")) === 503, "the append fails");
const query = { operation: ["append" as const], status: 503, count: 1, wait: 5 };
const journal = data(await client.GET("/_s2mock/journal", { params: { query } }));
const [failed] = journal.exchanges;
check(failed?.effect.kind === "appended" && failed.effect.last_seq_num === 0, "it has taken effect");
check(failed?.fault != null && describe(failed.fault) === "unavailable", "its fault is in the journal");

await inject({"on": "append", "stream": "orders/*", "fault": {"Fail": {"code": "unavailable", "committed": true}}});
await inject({ on: "append", fault: {"Answer": {"status": 502, "body": "<html>", "headers": {"content-type": "text/html"}}} });
await inject({ on: "append", fault: {"Late": {"seconds": 1.5, "code": "storage"}} });
await inject({ on: ["read", "check-tail"], fault: [{"Drop": {"refused": true}}, null], times: null }).then(
  () => check(false, "a list goes without times"),
  () => undefined,
);
await inject({ on: "read", fault: {"Cut": {"records": 2}}, times: null, required: false });
check((await append("log")) === 502, "a proxy answers");
const { faults } = data(await client.GET("/_s2mock/faults"));
const unused = faults.filter(({ complaint }) => complaint !== null);
check(unused.length === 2, "two faults have not fired");
for (const { number } of unused) data(await client.DELETE("/_s2mock/faults/{number}", { params: { path: { number } } }));

const clock = data(await client.POST("/_s2mock/clock/advance", { body: {"seconds": 60} }));
check(clock.clock === "manual", "the clock is manual");
const where = { basin: "my-basin", stream: "log" };
const look = await client.GET("/_s2mock/look/records", { params: { query: { ...where, count: 1, wait: 5 } } });
check(data(look).records[0]?.body === Buffer.from("a book").toString("base64"), "the record is there");
const { config } = data(await client.GET("/_s2mock/look/stream", { params: { query: where } }));
check(config.retention_policy?.age === 7 * 24 * 3600, "the stream keeps its records for a week");
data(await client.POST("/_s2mock/snapshots/{number}/restore", { params: { path: { number: snapshot.number } } }));
const missing = await client.GET("/_s2mock/look/stream", { params: { query: { ...where, stream: "none" } } });
check(missing.error?.code === "stream_not_found", "S2's error has its code");

const campaign: Schemas["CampaignRequest"] = {"kind": "orders", "actors": ["a", "b"], "options": {"basins": ["my-basin"]}};
const made = data(await client.POST("/_s2mock/campaigns", { body: campaign }));
const path = { number: made.number };
// Undefined after the last attempt, which is answered with 204.
const next: Schemas["CampaignAttempt"] | undefined = data(
  await client.POST("/_s2mock/campaigns/{number}/attempts", { params: { path } }),
);
if (next === undefined) throw new Error("there is an attempt");
const { number: attempt, actors } = next;
for (const { name } of actors) {
  const ofActor = { path: { ...path, attempt, actor: name } };
  data(await client.POST("/_s2mock/campaigns/{number}/attempts/{attempt}/actors/{actor}/end", { params: ofActor }));
}
const ofAttempt = { path: { ...path, attempt } };
const ended = await client.POST("/_s2mock/campaigns/{number}/attempts/{attempt}/end", {
  params: ofAttempt,
  body: {"outcome": "failed", "message": "two records"},
});
check(data(ended).outcome === "failed" && data(ended).point === undefined, "the attempt has failed");
const report = data(await client.GET("/_s2mock/campaigns/{number}", { params: { path } }));
const replay = report.failures[0]?.replay;
check(replay === undefined, "there was no operation, so there is nothing to replay");
data(await client.DELETE("/_s2mock/campaigns/{number}", { params: { path } }));
data(await client.DELETE("/_s2mock/accounts"));
