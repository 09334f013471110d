// Mistakes that do not compile: tsc reports each of these comments that has no error below it.
import createClient from "openapi-fetch";
import type { components, paths } from "./control.js";

type Schemas = components["schemas"];

const client = createClient<paths, "application/json">();
export const faults: Schemas["FaultRequest"][] = [
  // @ts-expect-error  a fault that there is not
  { on: "append", fault: { Dorp: {} } },
  // @ts-expect-error  an argument that the fault does not have
  { on: "append", fault: { Drop: { comitted: true } } },
  // @ts-expect-error  an argument of another fault
  { on: "append", fault: { Drop: { seconds: 1 } } },
  // @ts-expect-error  an argument of another type
  { on: "append", fault: { Cut: { bytes: "10" } } },
  // @ts-expect-error  an argument with another value
  { on: "append", fault: { Drop: { connection: "rst" } } },
  // @ts-expect-error  a fault without an argument that it needs
  { on: "append", fault: { Fail: {} } },
  // @ts-expect-error  an error code that S2 does not have
  { on: "append", fault: { Fail: { code: "unavailible" } } },
  // @ts-expect-error  the same in a list
  { on: "append", fault: [null, { Fail: { code: "unavailible" } }] },
  // @ts-expect-error  an operation that there is not
  { on: "appends", fault: { Drop: {} } },
  // @ts-expect-error  no operation
  { fault: { Drop: {} } },
  // @ts-expect-error  a member that there is not
  { on: "append", fault: { Drop: {} }, tims: 2 },
];

export const accounts: Schemas["AccountRequest"][] = [
  // @ts-expect-error  an option that there is not
  { basin: ["my-basin"] },
  // @ts-expect-error  a configuration that a basin does not have
  { basins: [{ name: "my-basin", config: { create_on_append: true } }] },
  // @ts-expect-error  a clock that there is not
  { clock: "manaul" },
];

export const answers = async (): Promise<unknown[]> => [
  // @ts-expect-error  a point that an operation does not have
  await client.POST("/_s2mock/holds", { body: { on: "append", at: "comit" } }),
  // @ts-expect-error  a path that is not served
  await client.POST("/_s2mock/fault", { body: { on: "append", fault: { Drop: {} } } }),
  // @ts-expect-error  a parameter that there is not
  await client.GET("/_s2mock/journal", { params: { query: { operatoin: ["append"] } } }),
  // @ts-expect-error  a member that the answer does not have
  (await client.GET("/_s2mock/clock")).data?.milliseconds,
  // @ts-expect-error  a member of a part of the answer that it does not have
  (await client.GET("/_s2mock/journal")).data?.exchanges[0]?.response?.state,
];
