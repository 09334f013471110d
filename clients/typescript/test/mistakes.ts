// Mistakes that do not compile: tsc reports each of these comments that has no error below it.
import type { Account, S2Mock } from "s2mock";
import { testWith } from "s2mock/vitest";

export async function mistakes(s2: S2Mock, account: Account): Promise<void> {
  // @ts-expect-error  an option that there is not
  await s2.account({ basin: ["my-basin"] });
  // @ts-expect-error  a clock that there is not
  await s2.account({ clock: "manaul" });
  // @ts-expect-error  a configuration that a basin does not have
  await s2.account({ basins: [{ name: "my-basin", config: { create_on_append: true } }] });
  // @ts-expect-error  an option of the fixture that there is not
  testWith({ basin: ["my-basin"] });
  // @ts-expect-error  a fault that there is not
  await account.inject({ Dorp: {} }, { on: "append" });
  // @ts-expect-error  two faults in one object
  await account.inject({ Drop: {}, Drain: {} }, { on: "append" });
  // @ts-expect-error  an argument that the fault does not have
  await account.inject({ Drop: { comitted: true } }, { on: "append" });
  // @ts-expect-error  an error code that S2 does not have
  await account.inject({ Fail: { code: "unavailible" } }, { on: "append" });
  // @ts-expect-error  the same in a list
  await account.inject([null, { Fail: { code: "unavailible" } }], { on: "append" });
  // @ts-expect-error  an operation that there is not
  await account.inject({ Drop: {} }, { on: "appends" });
  // @ts-expect-error  a member that there is not
  await account.inject({ Drop: {} }, { on: "append", tims: 2 });
  // @ts-expect-error  no operation
  await account.inject({ Drop: {} }, { stream: "orders" });
  // @ts-expect-error  a point that an operation does not have
  await account.hold({ on: "append", at: "comit" });
  // @ts-expect-error  an operation that there is not
  await account.on("apend", () => undefined);
  // @ts-expect-error  a fault that there is not, from a hook
  await account.on("append", () => ({ Dorp: {} }));
  // @ts-expect-error  a filter that there is not
  await account.journal.of("append", { straem: "orders" });
  // @ts-expect-error  a member that an exchange does not have
  (await account.journal.of("append"))[0]?.response?.state;
  // @ts-expect-error  a member that a sweep does not have
  await account.sweep({ faults: [{ Drop: {} }], on: "append", max_runs: 3 }, async () => undefined);
  // @ts-expect-error  an option of the attempts that there is not
  await s2.orders({ actors: ["a"], options: { basin: ["my-basin"] } }, async () => undefined);
  // @ts-expect-error  a kind of campaign that there is not
  await s2.campaign({ kind: "crashes", on: "append" }, async () => undefined);
  // @ts-expect-error  a permission that there is not
  await account.issueToken("a", { op_groups: { streams: { read: true } } });
  // @ts-expect-error  seconds as text
  await account.advance("60");
}
