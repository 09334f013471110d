// Requests to /_s2mock. They go by node's own `http`, on connections of their own: a test may replace
// `fetch` and the timers, and may break the connections that its own `fetch` uses.
import * as http from "node:http";
import * as https from "node:https";

import type { operations } from "./control.js";
import { ControlError, WaitTimeout } from "./errors.js";
import { type Id, ROUTES } from "./routes.js";

type Parameters<Name extends Id, Kind extends "query" | "path"> = NonNullable<operations[Name]["parameters"][Kind]>;
type Given<Name extends string, Value> = [Value] extends [never]
  ? { [Key in Name]?: never }
  : {} extends Value
    ? { [Key in Name]?: Value }
    : { [Key in Name]: Value };
type Body<Name extends Id> = operations[Name] extends {
  requestBody?: { content: { "application/json": infer Value } };
}
  ? Value
  : never;
type Contents<Name extends Id> = operations[Name]["responses"] extends infer All
  ? { [Status in keyof All & (200 | 201)]: All[Status] }[keyof All & (200 | 201)]
  : never;
/** What the description says that an operation takes. */
export type Request<Name extends Id> = Given<"query", Parameters<Name, "query">> &
  Given<"path", Parameters<Name, "path">> & { body?: Body<Name> };
/** What the description says that an operation answers; undefined without content. */
export type Result<Name extends Id> = Contents<Name> extends { content: { "application/json": infer Value } }
  ? Value | (operations[Name]["responses"] extends { 204: unknown } ? undefined : never)
  : undefined;

type Raw = { method: string; target: string; body?: string | undefined; headers?: Record<string, string> };
export type Response = { status: number; headers: http.IncomingHttpHeaders; text: string };

const agents = {
  "http:": new http.Agent({ keepAlive: true }),
  "https:": new https.Agent({ keepAlive: true }),
};

/** Requests for the account of a token; without one, for the first account of the server. */
export class ControlClient {
  constructor(
    readonly url: string,
    readonly token?: string,
    readonly controlToken?: string,
  ) {}

  /** The same server, for the account of another token. */
  as(token: string | undefined): ControlClient {
    return new ControlClient(this.url, token, this.controlToken);
  }

  /** Send a request, and return the document of its response. Throws `ControlError`, `WaitTimeout`. */
  async call<Name extends Id>(name: Name, request: Request<Name>): Promise<Result<Name>> {
    const { text } = await this.send(name, request);
    return (text === "" ? undefined : JSON.parse(text)) as Result<Name>;
  }

  /** Send a request, and return its response as text. Throws `ControlError`, `WaitTimeout`. */
  async text<Name extends Id>(name: Name, request: Request<Name>, accept = "text/plain"): Promise<string> {
    return (await this.send(name, request, { accept })).text;
  }

  /** Send text as it is. Throws `ControlError`. */
  async sendText<Name extends Id>(name: Name, body: string): Promise<Result<Name>> {
    const [method, path] = ROUTES[name];
    const { text } = await this.refuseErrors({ method, target: `/_s2mock${path}`, body });
    return JSON.parse(text) as Result<Name>;
  }

  /** Send a request of S2's API as a direct call of the test, which is in no journal and meets no fault. */
  async direct(method: string, path: string, body?: unknown, basin?: string): Promise<any> {
    const headers: Record<string, string> = basin === undefined ? {} : { "s2-basin": basin };
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.refuseErrors({ method, target: `/_s2mock/v1${path}`, body: text, headers });
    return response.text === "" ? undefined : JSON.parse(response.text);
  }

  /** Follow events of the server until the caller stops. */
  async *follow<Name extends Id>(name: Name, request: Request<Name>): AsyncGenerator<string, void, undefined> {
    const raw = { ...this.rawOf(name, request), headers: { accept: "text/event-stream" } };
    const response = await this.open(raw);
    if (response.statusCode !== 200) throw errorOf(await readWhole(response));
    try {
      let rest = "";
      for await (const piece of response.setEncoding("utf-8")) {
        const events = (rest + piece).split("\n\n");
        rest = events.pop() ?? "";
        for (const event of events) {
          const data = event.split("\n").find((line) => line.startsWith("data: "));
          if (data !== undefined) yield data.slice("data: ".length);
        }
      }
    } finally {
      response.destroy();
    }
  }

  private send<Name extends Id>(name: Name, request: Request<Name>, headers = {}): Promise<Response> {
    return this.refuseErrors({ ...this.rawOf(name, request), headers });
  }

  private rawOf<Name extends Id>(name: Name, request: Request<Name>): Raw {
    const { path = {}, query = {}, body } = request as {
      path?: Record<string, string | number>;
      query?: Record<string, unknown>;
      body?: unknown;
    };
    const [method, template] = ROUTES[name];
    const place = template.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(String(path[key])));
    const pairs = Object.entries(query).flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value])
        .filter((one) => one !== undefined)
        .map((one): [string, string] => [key, String(one)]),
    );
    const search = new URLSearchParams(pairs).toString();
    return {
      method,
      target: `/_s2mock${place}${search === "" ? "" : `?${search}`}`,
      body: body === undefined ? undefined : JSON.stringify(body),
    };
  }

  private async refuseErrors(raw: Raw): Promise<Response> {
    const response = await readWhole(await this.open(raw));
    if (response.status >= 400) throw errorOf(response);
    return response;
  }

  private open(raw: Raw): Promise<http.IncomingMessage> {
    const url = new URL(this.url);
    const secure = url.protocol === "https:";
    const headers: Record<string, string> = { ...raw.headers };
    if (this.token !== undefined) headers["authorization"] = `Bearer ${this.token}`;
    if (this.controlToken !== undefined) headers["s2mock-control-token"] = this.controlToken;
    if (raw.body !== undefined) {
      headers["content-type"] = "application/json";
      headers["content-length"] = String(Buffer.byteLength(raw.body));
    }
    return new Promise((resolve, reject) => {
      const sent = (secure ? https : http).request(
        {
          agent: secure ? agents["https:"] : agents["http:"],
          hostname: url.hostname.replace(/^\[|\]$/g, ""),
          port: url.port || (secure ? 443 : 80),
          method: raw.method,
          path: raw.target,
          headers,
        },
        resolve,
      );
      sent.on("error", (error) =>
        reject(new Error(`s2mock cannot be reached at ${this.url}: ${error.message}`, { cause: error })),
      );
      sent.end(raw.body);
    });
  }
}

async function readWhole(response: http.IncomingMessage): Promise<Response> {
  let text = "";
  for await (const piece of response.setEncoding("utf-8")) text += piece;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

function errorOf({ status, text }: Response): ControlError {
  let code = "other";
  let message = text;
  try {
    ({ code, message } = JSON.parse(text));
  } catch {
    // Another server than s2mock has answered.
    message = `the server answered ${status}: ${text.slice(0, 200)}`;
  }
  return new (status === 408 ? WaitTimeout : ControlError)(message, status, code);
}
