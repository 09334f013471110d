export { Account, Client, IssuedToken } from "./account.js";
export { Actor, type ActorFunction, Attempt, type Scenario } from "./campaigns.js";
export { CampaignFailed, ControlError, UnusedFault, WaitTimeout } from "./errors.js";
export { findExecutable } from "./executable.js";
export { Hold, Hook, type HookFunction, Injection, type Patience } from "./powers.js";
export { addReport, S2Mock, type StartOptions } from "./server.js";
export type * from "./types.js";
export { BasinHandle, Clock, type Filter, Journal, Snapshot, type StoredRecord, StreamHandle } from "./views.js";
