// The names of the control API's types. `control.ts` is generated from its description.
import type { components } from "./control.js";

type Schemas = components["schemas"];

/** S2's name of an operation, such as `append`. */
export type Operation = Schemas["Operation"];
/** One operation, or several. */
export type Operations = Operation | [Operation, ...Operation[]];
/** A fault: an object of one member, its name, with its arguments, such as `{ Drop: { committed: true } }`. */
export type Fault = OneOf<Schemas["Fault"]>;
/** A fault, or one for each matching operation, where null lets one pass. */
export type Faults = Fault | (Fault | null)[];
/** An error code of S2. */
export type ErrorCode = Schemas["S2ErrorCode"];
/** The options of an account, which are those of `S2Mock` in Python. `snapshot` is a `Snapshot` or its number. */
export type AccountOptions = Omit<Schemas["AccountRequest"], "snapshot" | "faults"> & {
  snapshot?: number | { number: number };
  faults?: ({ fault: Faults } & Omit<Schemas["FaultRequest"], "fault">)[];
};
/** Which operations a fault is for. */
export type Where = Omit<Schemas["FaultRequest"], "fault" | "on"> & { on: Operations };
/** Which operations a hold is for, and the point at which it holds them. */
export type HoldWhere = Omit<Schemas["HoldRequest"], "hook" | "on"> & { on: Operations };
/** Which operations a hook is for, and the point at which it is called. */
export type HookWhere = Omit<HoldWhere, "on" | "required">;
/** An operation with its request, its response and its effect. */
export type Exchange = Schemas["Exchange"];
export type ShownExchange = Schemas["ShownExchange"];
export type InjectedFault = Schemas["InjectedFault"];
export type HoldState = Schemas["Hold"];
export type JournalState = Schemas["Journal"];
export type ClockState = Schemas["Clock"];
export type Coverage = Schemas["Coverage"];
export type Status = Schemas["Status"];
export type TimelineRow = Schemas["TimelineRow"];
export type BasinView = Schemas["BasinView"];
export type StreamView = Schemas["StreamView"];
export type History = Schemas["History"];
export type Overview = Schemas["Overview"];
export type AccessToken = Schemas["AccessToken"];
export type Records = Schemas["RecordList"]["records"];
export type BasinSeed = Schemas["BasinSeed"];
export type BasinSeedConfig = Schemas["BasinSeedConfig"];
export type StreamSeedConfig = Schemas["StreamSeedConfig"];
export type ListedAccount = Schemas["Account"];
export type CampaignReport = Schemas["CampaignReport"];
export type CampaignAttempt = Schemas["CampaignAttempt"];

type Without<Campaign> = Omit<Campaign, "kind" | "options" | "faults" | "replay"> & { options?: AccountOptions };
/** Each fault at each matching operation, one attempt each, after one without a fault. */
export type SweepPlan = Without<Schemas["SweepCampaign"]> & { faults?: Fault[]; replay?: Schemas["SweepPoint"] };
/** Each order in which the operations of the actors can take effect. */
export type OrdersPlan = Without<Schemas["OrdersCampaign"]> & {
  faults?: Fault[];
  replay?: NonNullable<Schemas["OrdersCampaign"]["replay"]>;
};
/** A stop of the worker before and after each of its matching operations. */
export type CrashPlan = Without<Schemas["CrashCampaign"]> & { replay?: Schemas["CrashPoint"] };
/** A campaign of one of three kinds, as reports print it. */
export type CampaignPlan =
  | ({ kind: "sweep" } & SweepPlan)
  | ({ kind: "orders" } & OrdersPlan)
  | ({ kind: "crash" } & CrashPlan);

/** Names that a token is for: exactly this one, or all that begin so. */
export type Names = { exact: string } | { prefix: string };
/** What an access token permits, as in S2's requests. */
export type TokenScope = {
  basins?: Names;
  streams?: Names;
  access_tokens?: Names;
  ops?: Operation[];
  op_groups?: Partial<Record<"account" | "basin" | "stream", { read?: boolean; write?: boolean }>>;
};

// Exactly one member, where a union of objects would let several be given.
type Keys<Union> = Union extends unknown ? keyof Union : never;
type OneOf<Union, All extends PropertyKey = Keys<Union>> = Union extends unknown
  ? Union & { [Other in Exclude<All, keyof Union>]?: never }
  : never;
