#![doc = include_str!("../README.md")]

mod account;
mod campaigns;
mod client;
mod control;
mod error;
mod json;
#[cfg(feature = "s2-sdk")]
mod lite;
mod powers;
mod process;
/// The parameters of the operations of [`Control`].
#[rustfmt::skip]
pub mod routes;
mod server;
/// The types of the control API: bodies of requests, and what is in answers.
#[rustfmt::skip]
pub mod types;
mod views;

pub use account::{Account, AccountOptions, IssuedToken, Permission, TokenRequest};
pub use campaigns::{Actor, Actors, Attempt, Crashes, Orders, Sweep};
pub use client::{Client, EnvGuard};
pub use control::{Control, Events};
pub use error::{BoxError, Error, Result};
#[cfg(feature = "s2-sdk")]
pub use lite::{DEFAULT_ACCESS_TOKEN, S2Lite, s2_config_for_endpoint};
pub use powers::{Hold, Hook, HookResult, Injection};
pub use server::{S2Mock, StartOptions};
pub use types::{
    BasinResource, CampaignReport, CampaignRequest, ClockKind, Exchange, Fault, Faults, HoldPoint,
    Operation, ResourceSet, S2ErrorCode, StreamResource, StreamSeedConfig,
};
pub use views::{
    BasinHandle, Clock, Filter, Following, Journal, Snapshot, StoredRecord, StreamHandle, TIMEOUT,
};
