//! The types of the control API, with their names there. `.ci/rust_types.py` writes this file.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Index {
    pub name: Name,
    pub version: String,
    /// Where the description of all routes is served.
    pub description: String,
    /// The routes.
    pub serves: Vec<String>,
}

/// This description, as OpenAPI 3.0.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Description {
    pub openapi: String,
    pub info: Info,
    pub servers: Vec<Server>,
    pub security: Vec<BTreeMap<String, Vec<String>>>,
    pub paths: BTreeMap<String, Value>,
    pub components: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Info {
    pub title: String,
    pub version: String,
    pub description: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Server {
    pub url: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ErrorCode {
    #[serde(rename = "bad_request")]
    BadRequest,
    #[serde(rename = "authn")]
    Authn,
    #[serde(rename = "forbidden")]
    Forbidden,
    #[serde(rename = "not_found")]
    NotFound,
    #[serde(rename = "method_not_allowed")]
    MethodNotAllowed,
    #[serde(rename = "timeout")]
    Timeout,
    #[serde(rename = "conflict")]
    Conflict,
    #[serde(rename = "gone")]
    Gone,
    #[serde(rename = "too_large")]
    TooLarge,
    #[serde(rename = "unsupported_media_type")]
    UnsupportedMediaType,
    #[serde(rename = "other")]
    Other,
    #[serde(rename = "not_on_target")]
    NotOnTarget,
    #[serde(rename = "upstream")]
    Upstream,
}

impl ErrorCode {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Authn => "authn",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Timeout => "timeout",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Other => "other",
            Self::NotOnTarget => "not_on_target",
            Self::Upstream => "upstream",
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Error {
    pub code: ErrorCode,
    /// What was wrong, and what would be right.
    pub message: String,
}

/// S2's error, as its own API sends it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct S2Error {
    pub code: S2ErrorCode,
    pub message: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Operation {
    #[serde(rename = "list-basins")]
    ListBasins,
    #[serde(rename = "create-basin")]
    CreateBasin,
    #[serde(rename = "delete-basin")]
    DeleteBasin,
    #[serde(rename = "reconfigure-basin")]
    ReconfigureBasin,
    #[serde(rename = "get-basin-config")]
    GetBasinConfig,
    #[serde(rename = "issue-access-token")]
    IssueAccessToken,
    #[serde(rename = "revoke-access-token")]
    RevokeAccessToken,
    #[serde(rename = "list-access-tokens")]
    ListAccessTokens,
    #[serde(rename = "list-streams")]
    ListStreams,
    #[serde(rename = "create-stream")]
    CreateStream,
    #[serde(rename = "delete-stream")]
    DeleteStream,
    #[serde(rename = "get-stream-config")]
    GetStreamConfig,
    #[serde(rename = "reconfigure-stream")]
    ReconfigureStream,
    #[serde(rename = "check-tail")]
    CheckTail,
    #[serde(rename = "append")]
    Append,
    #[serde(rename = "read")]
    Read,
    #[serde(rename = "trim")]
    Trim,
    #[serde(rename = "fence")]
    Fence,
    #[serde(rename = "account-metrics")]
    AccountMetrics,
    #[serde(rename = "basin-metrics")]
    BasinMetrics,
    #[serde(rename = "stream-metrics")]
    StreamMetrics,
    #[serde(rename = "list-locations")]
    ListLocations,
    #[serde(rename = "get-default-location")]
    GetDefaultLocation,
    #[serde(rename = "set-default-location")]
    SetDefaultLocation,
    #[serde(rename = "ensure-basin")]
    EnsureBasin,
    #[serde(rename = "ensure-stream")]
    EnsureStream,
    #[serde(rename = "append-session")]
    AppendSession,
}

impl Operation {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ListBasins => "list-basins",
            Self::CreateBasin => "create-basin",
            Self::DeleteBasin => "delete-basin",
            Self::ReconfigureBasin => "reconfigure-basin",
            Self::GetBasinConfig => "get-basin-config",
            Self::IssueAccessToken => "issue-access-token",
            Self::RevokeAccessToken => "revoke-access-token",
            Self::ListAccessTokens => "list-access-tokens",
            Self::ListStreams => "list-streams",
            Self::CreateStream => "create-stream",
            Self::DeleteStream => "delete-stream",
            Self::GetStreamConfig => "get-stream-config",
            Self::ReconfigureStream => "reconfigure-stream",
            Self::CheckTail => "check-tail",
            Self::Append => "append",
            Self::Read => "read",
            Self::Trim => "trim",
            Self::Fence => "fence",
            Self::AccountMetrics => "account-metrics",
            Self::BasinMetrics => "basin-metrics",
            Self::StreamMetrics => "stream-metrics",
            Self::ListLocations => "list-locations",
            Self::GetDefaultLocation => "get-default-location",
            Self::SetDefaultLocation => "set-default-location",
            Self::EnsureBasin => "ensure-basin",
            Self::EnsureStream => "ensure-stream",
            Self::AppendSession => "append-session",
        }
    }
}

impl std::fmt::Display for Operation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

pub type OperationList = Vec<Operation>;

/// The name of an operation, or several.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Operations {
    Operation(Operation),
    OperationList(OperationList),
}

impl From<Operation> for Operations {
    fn from(value: Operation) -> Self {
        Self::Operation(value)
    }
}

impl From<OperationList> for Operations {
    fn from(value: OperationList) -> Self {
        Self::OperationList(value)
    }
}

impl<const N: usize> From<[Operation; N]> for Operations {
    fn from(value: [Operation; N]) -> Self {
        Self::OperationList(value.into())
    }
}

/// An error code of S2.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum S2ErrorCode {
    #[serde(rename = "rate_limited")]
    RateLimited,
    #[serde(rename = "hot_server")]
    HotServer,
    #[serde(rename = "server_draining")]
    ServerDraining,
    #[serde(rename = "transaction_conflict")]
    TransactionConflict,
    #[serde(rename = "authn")]
    Authn,
    #[serde(rename = "permission_denied")]
    PermissionDenied,
    #[serde(rename = "quota_exhausted")]
    QuotaExhausted,
    #[serde(rename = "access_token_not_found")]
    AccessTokenNotFound,
    #[serde(rename = "basin_not_found")]
    BasinNotFound,
    #[serde(rename = "stream_not_found")]
    StreamNotFound,
    #[serde(rename = "bad_frame")]
    BadFrame,
    #[serde(rename = "bad_header")]
    BadHeader,
    #[serde(rename = "bad_json")]
    BadJson,
    #[serde(rename = "bad_path")]
    BadPath,
    #[serde(rename = "bad_proto")]
    BadProto,
    #[serde(rename = "bad_query")]
    BadQuery,
    #[serde(rename = "decryption_failed")]
    DecryptionFailed,
    #[serde(rename = "invalid")]
    Invalid,
    #[serde(rename = "resource_already_exists")]
    ResourceAlreadyExists,
    #[serde(rename = "basin_deletion_pending")]
    BasinDeletionPending,
    #[serde(rename = "stream_deletion_pending")]
    StreamDeletionPending,
    #[serde(rename = "not_implemented")]
    NotImplemented,
    #[serde(rename = "request_timeout")]
    RequestTimeout,
    #[serde(rename = "other")]
    Other,
    #[serde(rename = "storage")]
    Storage,
    #[serde(rename = "unavailable")]
    Unavailable,
    #[serde(rename = "upstream_timeout")]
    UpstreamTimeout,
    #[serde(rename = "client_hangup")]
    ClientHangup,
}

impl S2ErrorCode {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::HotServer => "hot_server",
            Self::ServerDraining => "server_draining",
            Self::TransactionConflict => "transaction_conflict",
            Self::Authn => "authn",
            Self::PermissionDenied => "permission_denied",
            Self::QuotaExhausted => "quota_exhausted",
            Self::AccessTokenNotFound => "access_token_not_found",
            Self::BasinNotFound => "basin_not_found",
            Self::StreamNotFound => "stream_not_found",
            Self::BadFrame => "bad_frame",
            Self::BadHeader => "bad_header",
            Self::BadJson => "bad_json",
            Self::BadPath => "bad_path",
            Self::BadProto => "bad_proto",
            Self::BadQuery => "bad_query",
            Self::DecryptionFailed => "decryption_failed",
            Self::Invalid => "invalid",
            Self::ResourceAlreadyExists => "resource_already_exists",
            Self::BasinDeletionPending => "basin_deletion_pending",
            Self::StreamDeletionPending => "stream_deletion_pending",
            Self::NotImplemented => "not_implemented",
            Self::RequestTimeout => "request_timeout",
            Self::Other => "other",
            Self::Storage => "storage",
            Self::Unavailable => "unavailable",
            Self::UpstreamTimeout => "upstream_timeout",
            Self::ClientHangup => "client_hangup",
        }
    }
}

impl std::fmt::Display for S2ErrorCode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

pub type Text = String;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Base64 {
    pub base64: String,
}

impl Base64 {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(base64: impl Into<String>) -> Self {
        Self {
            base64: base64.into(),
        }
    }
}

/// Bytes: text where they are UTF-8.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Bytes {
    Text(Text),
    Base64(Base64),
}

impl From<Text> for Bytes {
    fn from(value: Text) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Bytes {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<Base64> for Bytes {
    fn from(value: Base64) -> Self {
        Self::Base64(value)
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AccountList {
    pub accounts: Vec<Account>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Account {
    /// Null for the first, on which a request without a token acts.
    pub token: Option<String>,
    pub name: String,
    /// The number of its latest exchange.
    pub exchanges: u64,
    /// The name that the account was given, such as that of a test; else `account 1` and so on.
    pub title: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NewAccount {
    /// The token of the account.
    pub token: String,
}

/// `auto` advances by itself while every open request waits on it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ClockKind {
    #[serde(rename = "system")]
    System,
    #[serde(rename = "manual")]
    Manual,
    #[serde(rename = "auto")]
    Auto,
}

impl ClockKind {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Manual => "manual",
            Self::Auto => "auto",
        }
    }
}

impl std::fmt::Display for ClockKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A manual clock that starts at a time.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ManualClock {
    /// The time of the clock, in seconds since 1970.
    pub manual: f64,
}

impl ManualClock {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(manual: f64) -> Self {
        Self {
            manual: manual,
        }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ClockOption {
    ClockKind(ClockKind),
    ManualClock(ManualClock),
}

impl From<ClockKind> for ClockOption {
    fn from(value: ClockKind) -> Self {
        Self::ClockKind(value)
    }
}

impl From<ManualClock> for ClockOption {
    fn from(value: ManualClock) -> Self {
        Self::ManualClock(value)
    }
}

/// The name of a basin.
pub type BasinName = String;

/// The name of a stream.
pub type StreamName = String;

/// A basin that exists from the start: its name, or its configuration and streams too, as in a resource
/// file or as in S2's requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum BasinSeed {
    BasinName(BasinName),
    BasinResource(BasinResource),
    BasinRequest(BasinRequest),
}

impl From<BasinName> for BasinSeed {
    fn from(value: BasinName) -> Self {
        Self::BasinName(value)
    }
}

impl From<&str> for BasinSeed {
    fn from(value: &str) -> Self {
        Self::BasinName(value.to_owned())
    }
}

impl From<BasinResource> for BasinSeed {
    fn from(value: BasinResource) -> Self {
        Self::BasinResource(value)
    }
}

impl From<BasinRequest> for BasinSeed {
    fn from(value: BasinRequest) -> Self {
        Self::BasinRequest(value)
    }
}

/// A basin as in a resource file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BasinResource {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<BasinSeedConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<StreamSeed>>,
}

impl BasinResource {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            config: None,
            streams: None,
        }
    }

    #[must_use]
    pub fn config(mut self, config: impl Into<BasinSeedConfig>) -> Self {
        self.config = Some(config.into());
        self
    }

    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = impl Into<StreamSeed>>) -> Self {
        self.streams = Some(streams.into_iter().map(Into::into).collect());
        self
    }
}

/// A basin as in S2's requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BasinRequest {
    pub basin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<BasinSeedConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streams: Option<Vec<StreamSeed>>,
}

impl BasinRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            config: None,
            streams: None,
        }
    }

    #[must_use]
    pub fn config(mut self, config: impl Into<BasinSeedConfig>) -> Self {
        self.config = Some(config.into());
        self
    }

    #[must_use]
    pub fn streams(mut self, streams: impl IntoIterator<Item = impl Into<StreamSeed>>) -> Self {
        self.streams = Some(streams.into_iter().map(Into::into).collect());
        self
    }
}

/// A stream that exists from the start: its name, or its configuration too.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StreamSeed {
    StreamName(StreamName),
    StreamResource(StreamResource),
    StreamRequest(StreamRequest),
}

impl From<StreamName> for StreamSeed {
    fn from(value: StreamName) -> Self {
        Self::StreamName(value)
    }
}

impl From<&str> for StreamSeed {
    fn from(value: &str) -> Self {
        Self::StreamName(value.to_owned())
    }
}

impl From<StreamResource> for StreamSeed {
    fn from(value: StreamResource) -> Self {
        Self::StreamResource(value)
    }
}

impl From<StreamRequest> for StreamSeed {
    fn from(value: StreamRequest) -> Self {
        Self::StreamRequest(value)
    }
}

/// A stream as in a resource file.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamResource {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<StreamSeedConfig>,
}

impl StreamResource {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            config: None,
        }
    }

    #[must_use]
    pub fn config(mut self, config: impl Into<StreamSeedConfig>) -> Self {
        self.config = Some(config.into());
        self
    }
}

/// A stream as in S2's requests.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamRequest {
    pub stream: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<StreamSeedConfig>,
}

impl StreamRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(stream: impl Into<String>) -> Self {
        Self {
            stream: stream.into(),
            config: None,
        }
    }

    #[must_use]
    pub fn config(mut self, config: impl Into<StreamSeedConfig>) -> Self {
        self.config = Some(config.into());
        self
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct BasinSeedConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_stream_config: Option<StreamSeedConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_cipher: Option<Cipher>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_stream_on_append: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_stream_on_read: Option<bool>,
}

impl BasinSeedConfig {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            default_stream_config: None,
            stream_cipher: None,
            create_stream_on_append: None,
            create_stream_on_read: None,
        }
    }

    #[must_use]
    pub fn default_stream_config(mut self, default_stream_config: impl Into<StreamSeedConfig>) -> Self {
        self.default_stream_config = Some(default_stream_config.into());
        self
    }

    #[must_use]
    pub fn stream_cipher(mut self, stream_cipher: impl Into<Cipher>) -> Self {
        self.stream_cipher = Some(stream_cipher.into());
        self
    }

    #[must_use]
    pub fn create_stream_on_append(mut self, create_stream_on_append: bool) -> Self {
        self.create_stream_on_append = Some(create_stream_on_append);
        self
    }

    #[must_use]
    pub fn create_stream_on_read(mut self, create_stream_on_read: bool) -> Self {
        self.create_stream_on_read = Some(create_stream_on_read);
        self
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct StreamSeedConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionSeed>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamping: Option<Timestamping>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_on_empty: Option<DeleteOnEmptySeed>,
}

impl StreamSeedConfig {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            storage_class: None,
            retention_policy: None,
            timestamping: None,
            delete_on_empty: None,
        }
    }

    #[must_use]
    pub fn storage_class(mut self, storage_class: impl Into<String>) -> Self {
        self.storage_class = Some(storage_class.into());
        self
    }

    #[must_use]
    pub fn retention_policy(mut self, retention_policy: impl Into<RetentionSeed>) -> Self {
        self.retention_policy = Some(retention_policy.into());
        self
    }

    #[must_use]
    pub fn timestamping(mut self, timestamping: impl Into<Timestamping>) -> Self {
        self.timestamping = Some(timestamping.into());
        self
    }

    #[must_use]
    pub fn delete_on_empty(mut self, delete_on_empty: impl Into<DeleteOnEmptySeed>) -> Self {
        self.delete_on_empty = Some(delete_on_empty.into());
        self
    }
}

/// "infinite", or a duration such as "7days".
pub type RetentionText = String;

/// How long records are kept.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RetentionSeed {
    RetentionText(RetentionText),
    RetentionPolicy(RetentionPolicy),
}

impl From<RetentionText> for RetentionSeed {
    fn from(value: RetentionText) -> Self {
        Self::RetentionText(value)
    }
}

impl From<&str> for RetentionSeed {
    fn from(value: &str) -> Self {
        Self::RetentionText(value.to_owned())
    }
}

impl From<RetentionPolicy> for RetentionSeed {
    fn from(value: RetentionPolicy) -> Self {
        Self::RetentionPolicy(value)
    }
}

/// One of the two.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct DeleteOnEmptySeed {
    /// A duration such as "1h 30m".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age_secs: Option<u64>,
}

impl DeleteOnEmptySeed {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            min_age: None,
            min_age_secs: None,
        }
    }

    /// A duration such as "1h 30m".
    #[must_use]
    pub fn min_age(mut self, min_age: impl Into<String>) -> Self {
        self.min_age = Some(min_age.into());
        self
    }

    /// Seconds.
    #[must_use]
    pub fn min_age_secs(mut self, min_age_secs: u64) -> Self {
        self.min_age_secs = Some(min_age_secs);
        self
    }
}

/// A location of basins, as S2 describes one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Location {
    pub name: String,
    /// Without it: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_private: Option<bool>,
    /// Without it: standard and express.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_classes: Option<Vec<String>>,
    /// Without it: the last of the storage classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_storage_class: Option<String>,
}

impl Location {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            is_private: None,
            storage_classes: None,
            default_storage_class: None,
        }
    }

    /// Without it: false.
    #[must_use]
    pub fn is_private(mut self, is_private: bool) -> Self {
        self.is_private = Some(is_private);
        self
    }

    /// Without it: standard and express.
    #[must_use]
    pub fn storage_classes(mut self, storage_classes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.storage_classes = Some(storage_classes.into_iter().map(Into::into).collect());
        self
    }

    /// Without it: the last of the storage classes.
    #[must_use]
    pub fn default_storage_class(mut self, default_storage_class: impl Into<String>) -> Self {
        self.default_storage_class = Some(default_storage_class.into());
        self
    }
}

/// The name of a location.
pub type LocationName = String;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LocationOption {
    LocationName(LocationName),
    Location(Location),
}

impl From<LocationName> for LocationOption {
    fn from(value: LocationName) -> Self {
        Self::LocationName(value)
    }
}

impl From<&str> for LocationOption {
    fn from(value: &str) -> Self {
        Self::LocationName(value.to_owned())
    }
}

impl From<Location> for LocationOption {
    fn from(value: Location) -> Self {
        Self::Location(value)
    }
}

pub type LatencySeconds = f64;

/// The bound of the hosted service for the storage class of the stream.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum CloudLatency {
    #[serde(rename = "cloud")]
    Cloud,
}

impl CloudLatency {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
        }
    }
}

impl std::fmt::Display for CloudLatency {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Seconds that an append takes to become durable.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum AppendLatency {
    LatencySeconds(LatencySeconds),
    CloudLatency(CloudLatency),
}

impl From<LatencySeconds> for AppendLatency {
    fn from(value: LatencySeconds) -> Self {
        Self::LatencySeconds(value)
    }
}

impl From<std::time::Duration> for AppendLatency {
    fn from(value: std::time::Duration) -> Self {
        Self::LatencySeconds(value.as_secs_f64())
    }
}

impl From<u32> for AppendLatency {
    fn from(value: u32) -> Self {
        Self::LatencySeconds(value.into())
    }
}

impl From<CloudLatency> for AppendLatency {
    fn from(value: CloudLatency) -> Self {
        Self::CloudLatency(value)
    }
}

/// The limits of the hosted service: of each account, or of one on the free tier.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum NamedLimits {
    #[serde(rename = "cloud")]
    Cloud,
    #[serde(rename = "free")]
    Free,
}

impl NamedLimits {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::Free => "free",
        }
    }
}

impl std::fmt::Display for NamedLimits {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Limits; one that is left out or null is none.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Limits {
    /// The number of batches a second for each stream and connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batches_per_second: Option<u64>,
    /// The number of metered bytes a second that are appended to each stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// The number of basins of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basins: Option<u64>,
    /// The longest retention of records, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<u64>,
}

impl Limits {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            batches_per_second: None,
            bytes_per_second: None,
            basins: None,
            retention: None,
        }
    }

    /// The number of batches a second for each stream and connection.
    #[must_use]
    pub fn batches_per_second(mut self, batches_per_second: u64) -> Self {
        self.batches_per_second = Some(batches_per_second);
        self
    }

    /// The number of metered bytes a second that are appended to each stream.
    #[must_use]
    pub fn bytes_per_second(mut self, bytes_per_second: u64) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// The number of basins of the account.
    #[must_use]
    pub fn basins(mut self, basins: u64) -> Self {
        self.basins = Some(basins);
        self
    }

    /// The longest retention of records, in seconds.
    #[must_use]
    pub fn retention(mut self, retention: u64) -> Self {
        self.retention = Some(retention);
        self
    }
}

/// Limits of the hosted service; without it there are none.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum LimitsOption {
    NamedLimits(NamedLimits),
    Limits(Limits),
}

impl From<NamedLimits> for LimitsOption {
    fn from(value: NamedLimits) -> Self {
        Self::NamedLimits(value)
    }
}

impl From<Limits> for LimitsOption {
    fn from(value: Limits) -> Self {
        Self::Limits(value)
    }
}

/// The options of `S2Mock`, under the same names; `snapshot` is the number of one. An option that is
/// left out is that of the server.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct AccountRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub append_latency: Option<AppendLatency>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basins: Option<Vec<BasinSeed>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockOption>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<bool>,
    /// Seconds that a deletion stays pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_delay: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<FaultRequest>>,
    /// The number of bytes of bodies and long heads that the journal keeps at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_bytes: Option<u64>,
    /// The greatest number of exchanges that the journal keeps; 0 for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_limit: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<LimitsOption>,
    /// Where basins can be, the default first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locations: Option<Vec<LocationOption>>,
    /// The name of the account on the page and in reports, such as that of a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// US dollars per unit, by the name of a set of metrics or of one of its series, such as `append-
    /// ops/express`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<BTreeMap<String, f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Seconds for which a revoked access token still works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_delay: Option<f64>,
    /// The number of a snapshot to start from, in place of basins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<u64>,
}

impl AccountRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            append_latency: None,
            auth: None,
            basins: None,
            clock: None,
            cors: None,
            deletion_delay: None,
            faults: None,
            journal_bytes: None,
            journal_limit: None,
            limits: None,
            locations: None,
            name: None,
            prices: None,
            profile: None,
            revocation_delay: None,
            snapshot: None,
        }
    }

    #[must_use]
    pub fn append_latency(mut self, append_latency: impl Into<AppendLatency>) -> Self {
        self.append_latency = Some(append_latency.into());
        self
    }

    #[must_use]
    pub fn auth(mut self, auth: impl Into<Auth>) -> Self {
        self.auth = Some(auth.into());
        self
    }

    #[must_use]
    pub fn basins(mut self, basins: impl IntoIterator<Item = impl Into<BasinSeed>>) -> Self {
        self.basins = Some(basins.into_iter().map(Into::into).collect());
        self
    }

    #[must_use]
    pub fn clock(mut self, clock: impl Into<ClockOption>) -> Self {
        self.clock = Some(clock.into());
        self
    }

    #[must_use]
    pub fn cors(mut self, cors: bool) -> Self {
        self.cors = Some(cors);
        self
    }

    /// Seconds that a deletion stays pending.
    #[must_use]
    pub fn deletion_delay(mut self, deletion_delay: f64) -> Self {
        self.deletion_delay = Some(deletion_delay);
        self
    }

    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = impl Into<FaultRequest>>) -> Self {
        self.faults = Some(faults.into_iter().map(Into::into).collect());
        self
    }

    /// The number of bytes of bodies and long heads that the journal keeps at most.
    #[must_use]
    pub fn journal_bytes(mut self, journal_bytes: u64) -> Self {
        self.journal_bytes = Some(journal_bytes);
        self
    }

    /// The greatest number of exchanges that the journal keeps; 0 for none.
    #[must_use]
    pub fn journal_limit(mut self, journal_limit: u64) -> Self {
        self.journal_limit = Some(journal_limit);
        self
    }

    #[must_use]
    pub fn limits(mut self, limits: impl Into<LimitsOption>) -> Self {
        self.limits = Some(limits.into());
        self
    }

    /// Where basins can be, the default first.
    #[must_use]
    pub fn locations(mut self, locations: impl IntoIterator<Item = impl Into<LocationOption>>) -> Self {
        self.locations = Some(locations.into_iter().map(Into::into).collect());
        self
    }

    /// The name of the account on the page and in reports, such as that of a test.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// US dollars per unit, by the name of a set of metrics or of one of its series, such as `append-
    /// ops/express`.
    #[must_use]
    pub fn prices(mut self, prices: BTreeMap<String, f64>) -> Self {
        self.prices = Some(prices);
        self
    }

    #[must_use]
    pub fn profile(mut self, profile: impl Into<Profile>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// Seconds for which a revoked access token still works.
    #[must_use]
    pub fn revocation_delay(mut self, revocation_delay: f64) -> Self {
        self.revocation_delay = Some(revocation_delay);
        self
    }

    /// The number of a snapshot to start from, in place of basins.
    #[must_use]
    pub fn snapshot(mut self, snapshot: u64) -> Self {
        self.snapshot = Some(snapshot);
        self
    }
}

/// True: the TCP connection ends, with all other requests on it; false: one HTTP/2 stream is reset.
pub type ConnectionEnds = bool;

/// The TCP connection ends by RST.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum ConnectionReset {
    #[serde(rename = "reset")]
    Reset,
}

impl ConnectionReset {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
        }
    }
}

impl std::fmt::Display for ConnectionReset {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What becomes of the connection.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Connection {
    ConnectionEnds(ConnectionEnds),
    ConnectionReset(ConnectionReset),
}

impl From<ConnectionEnds> for Connection {
    fn from(value: ConnectionEnds) -> Self {
        Self::ConnectionEnds(value)
    }
}

impl From<ConnectionReset> for Connection {
    fn from(value: ConnectionReset) -> Self {
        Self::ConnectionReset(value)
    }
}

/// A fault: an object of one member, its name, with its arguments.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub enum Fault {
    Fail(Fail),
    Drop(Drop),
    Cut(Cut),
    Delay(Delay),
    Late(Late),
    Silence(Silence),
    Slow(Slow),
    Answer(Answer),
    Drain(Drain),
}

impl Fault {
    /// S2's answer for an error code.
    #[must_use]
    pub fn fail(code: impl Into<S2ErrorCode>) -> Fail {
        Fail::new(code)
    }

    /// No byte of an answer, and the TCP connection ends.
    #[must_use]
    pub fn drop() -> Drop {
        Drop::new()
    }

    /// An answer that begins and breaks off. Exactly one of `records` and `bytes` is given.
    #[must_use]
    pub fn cut() -> Cut {
        Cut::new()
    }

    /// A late response.
    #[must_use]
    pub fn delay(seconds: impl Into<DelaySeconds>) -> Delay {
        Delay::new(seconds)
    }

    /// No byte of an answer, or an error; the operation is applied later. Exactly one of `seconds` and
    /// `reads` is given.
    #[must_use]
    pub fn late() -> Late {
        Late::new()
    }

    /// A half-open link: nothing more is sent on the TCP connection after a part of the answer, also to
    /// other requests, and it stays open. What still arrives on it takes effect.
    #[must_use]
    pub fn silence() -> Silence {
        Silence::new()
    }

    /// The answer in small pieces, or slowly, or both.
    #[must_use]
    pub fn slow() -> Slow {
        Slow::new()
    }

    /// A response as from a proxy.
    #[must_use]
    pub fn answer(status: u16) -> Answer {
        Answer::new(status)
    }

    /// A server that is going away.
    #[must_use]
    pub fn drain() -> Drain {
        Drain::new()
    }
}

impl From<Fail> for Fault {
    fn from(value: Fail) -> Self {
        Self::Fail(value)
    }
}

impl From<Drop> for Fault {
    fn from(value: Drop) -> Self {
        Self::Drop(value)
    }
}

impl From<Cut> for Fault {
    fn from(value: Cut) -> Self {
        Self::Cut(value)
    }
}

impl From<Delay> for Fault {
    fn from(value: Delay) -> Self {
        Self::Delay(value)
    }
}

impl From<Late> for Fault {
    fn from(value: Late) -> Self {
        Self::Late(value)
    }
}

impl From<Silence> for Fault {
    fn from(value: Silence) -> Self {
        Self::Silence(value)
    }
}

impl From<Slow> for Fault {
    fn from(value: Slow) -> Self {
        Self::Slow(value)
    }
}

impl From<Answer> for Fault {
    fn from(value: Answer) -> Self {
        Self::Answer(value)
    }
}

impl From<Drain> for Fault {
    fn from(value: Drain) -> Self {
        Self::Drain(value)
    }
}

/// The arguments of `Fail`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Fail {
    pub code: S2ErrorCode,
    /// The text beside the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Seconds, sent as `retry-after-ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<f64>,
    /// Whether the operation has been carried out all the same. Without it: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<bool>,
    /// The number of records after which a read session fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

impl Fail {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(code: impl Into<S2ErrorCode>) -> Self {
        Self {
            code: code.into(),
            message: None,
            retry_after: None,
            committed: None,
            records: None,
        }
    }

    /// The text beside the code.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Seconds, sent as `retry-after-ms`.
    #[must_use]
    pub fn retry_after(mut self, retry_after: f64) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    /// Whether the operation has been carried out all the same. Without it: false.
    #[must_use]
    pub fn committed(mut self, committed: bool) -> Self {
        self.committed = Some(committed);
        self
    }

    /// The number of records after which a read session fails.
    #[must_use]
    pub fn records(mut self, records: u64) -> Self {
        self.records = Some(records);
        self
    }
}

/// The arguments of `Drop`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Drop {
    /// Whether the operation has been carried out all the same. Without it: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<bool>,
    /// Without it: true, or false with `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
    /// Whether the one HTTP/2 stream is refused, which promises that nothing has happened. Without it:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<bool>,
}

impl Drop {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            committed: None,
            connection: None,
            refused: None,
        }
    }

    /// Whether the operation has been carried out all the same. Without it: false.
    #[must_use]
    pub fn committed(mut self, committed: bool) -> Self {
        self.committed = Some(committed);
        self
    }

    /// Without it: true, or false with `refused`.
    #[must_use]
    pub fn connection(mut self, connection: impl Into<Connection>) -> Self {
        self.connection = Some(connection.into());
        self
    }

    /// Whether the one HTTP/2 stream is refused, which promises that nothing has happened. Without it:
    /// false.
    #[must_use]
    pub fn refused(mut self, refused: bool) -> Self {
        self.refused = Some(refused);
        self
    }
}

/// The arguments of `Cut`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Cut {
    /// The number of records after which it breaks off; of a read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The number of bytes of the body after which it breaks off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The connection ends after what comes before the cut. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<Connection>,
}

impl Cut {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            records: None,
            bytes: None,
            connection: None,
        }
    }

    /// The number of records after which it breaks off; of a read only.
    #[must_use]
    pub fn records(mut self, records: u64) -> Self {
        self.records = Some(records);
        self
    }

    /// The number of bytes of the body after which it breaks off.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// The connection ends after what comes before the cut. Without it: true.
    #[must_use]
    pub fn connection(mut self, connection: impl Into<Connection>) -> Self {
        self.connection = Some(connection.into());
        self
    }
}

/// Until the test ends.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Infinity {
    #[serde(rename = "inf")]
    Inf,
}

impl Infinity {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inf => "inf",
        }
    }
}

impl std::fmt::Display for Infinity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Seconds of the account's clock.
pub type Seconds = f64;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DelaySeconds {
    Seconds(Seconds),
    Infinity(Infinity),
}

impl From<Seconds> for DelaySeconds {
    fn from(value: Seconds) -> Self {
        Self::Seconds(value)
    }
}

impl From<std::time::Duration> for DelaySeconds {
    fn from(value: std::time::Duration) -> Self {
        Self::Seconds(value.as_secs_f64())
    }
}

impl From<u32> for DelaySeconds {
    fn from(value: u32) -> Self {
        Self::Seconds(value.into())
    }
}

impl From<Infinity> for DelaySeconds {
    fn from(value: Infinity) -> Self {
        Self::Infinity(value)
    }
}

/// The arguments of `Delay`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Delay {
    pub seconds: DelaySeconds,
    /// Whether the operation is carried out before the delay. Without it: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<bool>,
    /// Up to this number of seconds more, drawn from the mock's seed. Without it: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jitter: Option<f64>,
}

impl Delay {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(seconds: impl Into<DelaySeconds>) -> Self {
        Self {
            seconds: seconds.into(),
            committed: None,
            jitter: None,
        }
    }

    /// Whether the operation is carried out before the delay. Without it: false.
    #[must_use]
    pub fn committed(mut self, committed: bool) -> Self {
        self.committed = Some(committed);
        self
    }

    /// Up to this number of seconds more, drawn from the mock's seed. Without it: 0.
    #[must_use]
    pub fn jitter(mut self, jitter: f64) -> Self {
        self.jitter = Some(jitter);
        self
    }
}

/// The arguments of `Late`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Late {
    /// Seconds of the account's clock after which it is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// It is applied right after this number of reads and tail checks of its stream were answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<u64>,
    /// The error code of S2 to answer with: one that does not promise that nothing has happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<S2ErrorCode>,
}

impl Late {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            seconds: None,
            reads: None,
            code: None,
        }
    }

    /// Seconds of the account's clock after which it is applied.
    #[must_use]
    pub fn seconds(mut self, seconds: f64) -> Self {
        self.seconds = Some(seconds);
        self
    }

    /// It is applied right after this number of reads and tail checks of its stream were answered.
    #[must_use]
    pub fn reads(mut self, reads: u64) -> Self {
        self.reads = Some(reads);
        self
    }

    /// The error code of S2 to answer with: one that does not promise that nothing has happened.
    #[must_use]
    pub fn code(mut self, code: impl Into<S2ErrorCode>) -> Self {
        self.code = Some(code.into());
        self
    }
}

/// The arguments of `Silence`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Silence {
    /// The number of records before the silence; of a read only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// The number of bytes of the body before the silence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

impl Silence {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            records: None,
            bytes: None,
        }
    }

    /// The number of records before the silence; of a read only.
    #[must_use]
    pub fn records(mut self, records: u64) -> Self {
        self.records = Some(records);
        self
    }

    /// The number of bytes of the body before the silence.
    #[must_use]
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }
}

/// The arguments of `Slow`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Slow {
    /// The pace, by the account's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<f64>,
    /// The largest number of bytes of a piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk: Option<u64>,
}

impl Slow {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bytes_per_second: None,
            chunk: None,
        }
    }

    /// The pace, by the account's clock.
    #[must_use]
    pub fn bytes_per_second(mut self, bytes_per_second: f64) -> Self {
        self.bytes_per_second = Some(bytes_per_second);
        self
    }

    /// The largest number of bytes of a piece.
    #[must_use]
    pub fn chunk(mut self, chunk: u64) -> Self {
        self.chunk = Some(chunk);
        self
    }
}

/// Headers by their names.
pub type HeaderMap = BTreeMap<String, String>;

/// Name and value.
pub type HeaderPair = [String; 2];

/// Headers as pairs of names and values.
pub type HeaderPairs = Vec<HeaderPair>;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Headers {
    HeaderMap(HeaderMap),
    HeaderPairs(HeaderPairs),
}

impl From<HeaderMap> for Headers {
    fn from(value: HeaderMap) -> Self {
        Self::HeaderMap(value)
    }
}

impl From<HeaderPairs> for Headers {
    fn from(value: HeaderPairs) -> Self {
        Self::HeaderPairs(value)
    }
}

impl<const N: usize> From<[HeaderPair; N]> for Headers {
    fn from(value: [HeaderPair; N]) -> Self {
        Self::HeaderPairs(value.into())
    }
}

/// The arguments of `Answer`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Answer {
    pub status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
}

impl Answer {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self {
            status: status,
            body: None,
            headers: None,
        }
    }

    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    #[must_use]
    pub fn headers(mut self, headers: impl Into<Headers>) -> Self {
        self.headers = Some(headers.into());
        self
    }
}

/// The arguments of `Drain`.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Drain {
    /// The number of records that a read gets first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
}

impl Drain {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            records: None,
        }
    }

    /// The number of records that a read gets first.
    #[must_use]
    pub fn records(mut self, records: u64) -> Self {
        self.records = Some(records);
        self
    }
}

/// A fault for each matching operation, where null lets one pass.
pub type FaultList = Vec<Option<Fault>>;

/// A fault, or a list of one for each operation, where null lets one pass.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Faults {
    Fault(Fault),
    FaultList(FaultList),
}

impl From<Fault> for Faults {
    fn from(value: Fault) -> Self {
        Self::Fault(value)
    }
}

impl From<FaultList> for Faults {
    fn from(value: FaultList) -> Self {
        Self::FaultList(value)
    }
}

/// A fault, and the operations to inject it into.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FaultRequest {
    pub fault: Faults,
    pub on: Operations,
    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basin: Option<String>,
    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The number of matching operations to let through first. Without it: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// The number of operations to affect after that; null for all until it is removed. Without it: 1.
    #[serde(default, deserialize_with = "crate::json::some", skip_serializing_if = "Option::is_none")]
    pub times: Option<Option<u64>>,
    /// Whether it is a mistake if it never fires. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
}

impl FaultRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(fault: impl Into<Faults>, on: impl Into<Operations>) -> Self {
        Self {
            fault: fault.into(),
            on: on.into(),
            basin: None,
            stream: None,
            skip: None,
            times: None,
            required: None,
        }
    }

    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// The number of matching operations to let through first. Without it: 0.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = Some(skip);
        self
    }

    /// The number of operations to affect after that; null for all until it is removed. Without it: 1.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(Some(times));
        self
    }

    /// Whether it is a mistake if it never fires. Without it: true.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct InjectedFault {
    pub number: u64,
    pub fault: Faults,
    pub on: OperationList,
    /// Name of a basin, or a glob such as `orders-*`.
    pub basin: String,
    /// Name of a stream, or a glob such as `orders/*`.
    pub stream: String,
    /// The number of matching operations to let through first.
    pub skip: u64,
    /// The number of operations to affect after that; null for all until it is removed.
    pub times: Option<u64>,
    /// Whether it is a mistake if it never fires.
    pub required: bool,
    /// The number of operations that it has affected.
    pub hits: u64,
    /// The number of operations that it still waits for; null if it stays until it is removed.
    pub remaining: Option<u64>,
    /// The complaint if the test ends now, or null. A test fails with it.
    pub complaint: Option<String>,
    pub exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct InjectedFaults {
    pub faults: Vec<InjectedFault>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct LateRemarks {
    pub remarks: Vec<String>,
}

/// The point of an operation at which it is held.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum HoldPoint {
    #[serde(rename = "arrival")]
    Arrival,
    #[serde(rename = "commit")]
    Commit,
    #[serde(rename = "answer")]
    Answer,
}

impl HoldPoint {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arrival => "arrival",
            Self::Commit => "commit",
            Self::Answer => "answer",
        }
    }
}

impl std::fmt::Display for HoldPoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The operations to hold, and where.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HoldRequest {
    pub on: Operations,
    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basin: Option<String>,
    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The number of matching operations to let through first. Without it: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// The number of operations to affect after that; null for all until it is removed. Without it: 1.
    #[serde(default, deserialize_with = "crate::json::some", skip_serializing_if = "Option::is_none")]
    pub times: Option<Option<u64>>,
    /// Without it: `commit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<HoldPoint>,
    /// Whether a hold that nothing reached fails its test. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Whether it holds as a hook does: before the holds, one hook after the other in the order in
    /// which they were made. A wait for it is over when it is released. Without it: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<bool>,
}

impl HoldRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(on: impl Into<Operations>) -> Self {
        Self {
            on: on.into(),
            basin: None,
            stream: None,
            skip: None,
            times: None,
            at: None,
            required: None,
            hook: None,
        }
    }

    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// The number of matching operations to let through first. Without it: 0.
    #[must_use]
    pub fn skip(mut self, skip: u64) -> Self {
        self.skip = Some(skip);
        self
    }

    /// The number of operations to affect after that; null for all until it is removed. Without it: 1.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(Some(times));
        self
    }

    /// Without it: `commit`.
    #[must_use]
    pub fn at(mut self, at: impl Into<HoldPoint>) -> Self {
        self.at = Some(at.into());
        self
    }

    /// Whether a hold that nothing reached fails its test. Without it: true.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// Whether it holds as a hook does: before the holds, one hook after the other in the order in
    /// which they were made. A wait for it is over when it is released. Without it: false.
    #[must_use]
    pub fn hook(mut self, hook: bool) -> Self {
        self.hook = Some(hook);
        self
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Hold {
    pub number: u64,
    pub on: OperationList,
    /// Name of a basin, or a glob such as `orders-*`.
    pub basin: String,
    /// Name of a stream, or a glob such as `orders/*`.
    pub stream: String,
    /// The number of matching operations to let through first.
    pub skip: u64,
    /// The number of operations to affect after that; null for all until it is removed.
    pub times: Option<u64>,
    pub at: HoldPoint,
    /// Whether a hold that nothing reached fails its test.
    pub required: bool,
    /// Whether it holds as a hook does.
    pub hook: bool,
    /// The number of operations that have been held.
    pub count: u64,
    pub released: bool,
    /// The complaint about a hold that no operation reached, released or not, or null. A test fails
    /// with it.
    pub complaint: Option<String>,
    pub exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HoldList {
    pub holds: Vec<Hold>,
}

/// What to release.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct ReleaseRequest {
    /// The member `held` of the exchange to release. Without it all are released, and no others are
    /// held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u64>,
    /// The fault for what is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
}

impl ReleaseRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            exchange: None,
            fault: None,
        }
    }

    /// The member `held` of the exchange to release. Without it all are released, and no others are
    /// held.
    #[must_use]
    pub fn exchange(mut self, exchange: u64) -> Self {
        self.exchange = Some(exchange);
        self
    }

    /// The fault for what is released.
    #[must_use]
    pub fn fault(mut self, fault: impl Into<Fault>) -> Self {
        self.fault = Some(fault.into());
        self
    }
}

/// An operation with its request, its response and its effect.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Exchange {
    pub number: u64,
    /// Null where no route matched.
    pub operation: Option<Operation>,
    pub basin: Option<String>,
    pub stream: Option<String>,
    pub token_id: Option<String>,
    pub request: ExchangeRequest,
    /// Null if there was none.
    pub response: Option<ExchangeResponse>,
    pub effect: Effect,
    /// The number of its session, or null.
    pub session: Option<u64>,
    pub protocol: Protocol,
    /// The number of its connection, or null.
    pub connection: Option<u64>,
    /// The operation's moment, in nanoseconds of the account's clock since 1970.
    pub at: Option<u64>,
    /// Seconds of monotonic time, for durations.
    pub began: f64,
    /// Seconds of monotonic time; null while it goes on.
    pub ended: Option<f64>,
    pub fault: Option<Fault>,
    /// The rule that decided an error, with what would have been right.
    pub reason: Option<String>,
    pub advice: Vec<String>,
    /// Its number among the operations that a hold or a hook has held, by which `release` names it;
    /// null if it was not held.
    pub held: Option<u64>,
    /// The command that sends it again.
    pub curl: String,
    /// The point at which a hold has held it: `arrival`, `commit` or `answer`; null if none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ExchangeRequest {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// The decoded body, the same for each wire form.
    pub document: Value,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ExchangeResponse {
    pub status: u16,
    /// The error code, if the request was refused.
    pub code: Option<String>,
    pub message: Option<String>,
    pub headers: HeaderMap,
    pub body: Option<Bytes>,
    /// The decoded body, the same for each wire form.
    pub document: Value,
}

/// What an operation changed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Effect {
    pub committed: bool,
    pub kind: Option<EffectKind>,
    /// The name of what was changed.
    pub name: Option<String>,
    pub first_seq_num: Option<u64>,
    pub last_seq_num: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum EffectKind {
    #[serde(rename = "created")]
    Created,
    #[serde(rename = "updated")]
    Updated,
    #[serde(rename = "deleted")]
    Deleted,
    #[serde(rename = "appended")]
    Appended,
}

impl EffectKind {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Appended => "appended",
        }
    }
}

impl std::fmt::Display for EffectKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Protocol {
    #[serde(rename = "HTTP/1.1")]
    Http11,
    #[serde(rename = "HTTP/1.0")]
    Http10,
    #[serde(rename = "h2c")]
    H2c,
    #[serde(rename = "wsgi")]
    Wsgi,
    #[serde(rename = "HTTP/1.1 over TLS")]
    Http11OverTLS,
    #[serde(rename = "HTTP/1.0 over TLS")]
    Http10OverTLS,
    #[serde(rename = "h2")]
    H2,
}

impl Protocol {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http11 => "HTTP/1.1",
            Self::Http10 => "HTTP/1.0",
            Self::H2c => "h2c",
            Self::Wsgi => "wsgi",
            Self::Http11OverTLS => "HTTP/1.1 over TLS",
            Self::Http10OverTLS => "HTTP/1.0 over TLS",
            Self::H2 => "h2",
        }
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Journal {
    pub exchanges: Vec<Exchange>,
    /// The number of the latest exchange of all; later ones are `after` it.
    pub last: u64,
    /// How many the journal has dropped because of its limits.
    pub dropped: u64,
    /// The greatest number of exchanges that are kept; 0 for none.
    pub limit: u64,
    /// The number of bytes of bodies and long heads that are kept at most.
    pub max_bytes: u64,
    /// The number of exchanges that are kept now.
    pub kept: u64,
    /// The number of bytes of bodies and long heads that are kept now.
    pub body_bytes: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AdvisedExchanges {
    pub exchanges: Vec<Exchange>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Clock {
    pub clock: ClockKind,
    /// Nanoseconds since 1970.
    pub now: u64,
    /// The same in milliseconds, as records have it.
    pub timestamp: u64,
    pub date: String,
    /// How many operations wait for the clock to advance.
    pub waiters: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AdvanceRequest {
    pub seconds: f64,
}

impl AdvanceRequest {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(seconds: f64) -> Self {
        Self {
            seconds: seconds,
        }
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Readers {
    /// The number of read sessions that follow at the tail.
    pub readers: u64,
}

/// A position in a stream.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Position {
    pub seq_num: u64,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Cipher {
    #[serde(rename = "aegis-256")]
    Aegis256,
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
}

impl Cipher {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aegis256 => "aegis-256",
            Self::Aes256Gcm => "aes-256-gcm",
        }
    }
}

impl std::fmt::Display for Cipher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum BasinState {
    #[serde(rename = "active")]
    Active,
    #[serde(rename = "deleting")]
    Deleting,
}

impl BasinState {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deleting => "deleting",
        }
    }
}

impl std::fmt::Display for BasinState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A basin, as S2 describes one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BasinInfo {
    pub name: String,
    pub location: String,
    pub created_at: String,
    pub deleted_at: Option<String>,
    pub state: BasinState,
}

/// The configuration of a basin, as in S2's API.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct BasinConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_stream_config: Option<StreamConfig>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_cipher: Option<Cipher>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_stream_on_append: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub create_stream_on_read: Option<bool>,
}

/// A stream, as S2 describes one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamInfo {
    pub name: String,
    pub created_at: String,
    pub deleted_at: Option<String>,
    pub cipher: Option<Cipher>,
}

/// The configuration of a stream, as in S2's API.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct StreamConfig {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_policy: Option<RetentionPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamping: Option<Timestamping>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_on_empty: Option<DeleteOnEmpty>,
}

/// How long records are kept: one of the two.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct RetentionPolicy {
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infinite: Option<InfiniteRetention>,
}

impl RetentionPolicy {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            age: None,
            infinite: None,
        }
    }

    /// Seconds.
    #[must_use]
    pub fn age(mut self, age: u64) -> Self {
        self.age = Some(age);
        self
    }

    #[must_use]
    pub fn infinite(mut self, infinite: impl Into<InfiniteRetention>) -> Self {
        self.infinite = Some(infinite.into());
        self
    }
}

/// An empty object: for ever.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct InfiniteRetention {
}

impl InfiniteRetention {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum TimestampingMode {
    #[serde(rename = "client-prefer")]
    ClientPrefer,
    #[serde(rename = "client-require")]
    ClientRequire,
    #[serde(rename = "arrival")]
    Arrival,
}

impl TimestampingMode {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientPrefer => "client-prefer",
            Self::ClientRequire => "client-require",
            Self::Arrival => "arrival",
        }
    }
}

impl std::fmt::Display for TimestampingMode {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct Timestamping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TimestampingMode>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncapped: Option<bool>,
}

impl Timestamping {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            mode: None,
            uncapped: None,
        }
    }

    #[must_use]
    pub fn mode(mut self, mode: impl Into<TimestampingMode>) -> Self {
        self.mode = Some(mode.into());
        self
    }

    #[must_use]
    pub fn uncapped(mut self, uncapped: bool) -> Self {
        self.uncapped = Some(uncapped);
        self
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct DeleteOnEmpty {
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_age_secs: Option<u64>,
}

/// A basin as a handle of the test sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BasinView {
    pub incarnation: u64,
    pub info: BasinInfo,
    pub config: BasinConfig,
}

/// A stream as a handle of the test sees it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamView {
    pub incarnation: u64,
    pub basin_incarnation: u64,
    pub info: StreamInfo,
    pub config: StreamConfig,
    /// The fencing token in force, "" for none; null in front of an upstream, which does not tell it.
    pub fencing_token: Option<String>,
    pub tail: Position,
    pub readers: u64,
}

/// Name and value, in base64.
pub type RecordHeader = [String; 2];

/// A record; what is empty is left out.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Record {
    pub seq_num: u64,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headers: Option<Vec<RecordHeader>>,
    /// In base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The SHA-256 of the key that it is encrypted with, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_sha256: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct RecordList {
    pub records: Vec<Record>,
}

/// An access token, as S2 describes one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AccessToken {
    pub id: String,
    pub expires_at: Option<String>,
    pub auto_prefix_streams: bool,
    pub scope: AccessTokenScope,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AccessTokenScope {
    pub basins: Option<ResourceSet>,
    pub streams: Option<ResourceSet>,
    pub access_tokens: Option<ResourceSet>,
    pub op_groups: OperationGroups,
    pub ops: OperationNames,
}

pub type OperationNames = Vec<Operation>;

/// Names: one of the two.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct ResourceSet {
    /// That name; an empty text for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// All names that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OperationGroups {
    pub account: Permissions,
    pub basin: Permissions,
    pub stream: Permissions,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Permissions {
    pub read: bool,
    pub write: bool,
}

/// The file of a snapshot: lines of JSON. It is sent as it is, not as text in quotation marks.
pub type SnapshotFile = String;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Snapshot {
    pub number: u64,
    /// When it was taken, in nanoseconds since 1970.
    pub time: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Coverage {
    /// The version of this format.
    pub s2mock_coverage: u64,
    pub operations: BTreeMap<String, OperationCoverage>,
    pub never_asked_for: Vec<String>,
    /// The number of exchanges that the journal dropped before they were counted.
    pub not_counted: u64,
    /// The number of journals that keep nothing (`journal_limit` 0), so that their exchanges are not
    /// counted.
    pub journals_off: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OperationCoverage {
    pub calls: u64,
    pub statuses: Counts,
    pub codes: Counts,
    pub forms: Counts,
    pub protocols: Counts,
    pub faults: Counts,
    pub events: Counts,
    pub never: Vec<String>,
}

pub type Counts = BTreeMap<String, u64>;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ShownExchange {
    pub exchange: Exchange,
    pub row: TimelineRow,
    /// The command that sends the request again.
    pub curl: String,
    /// The source of a test that sends the same request.
    pub pytest: String,
    /// What happened, in words: `refused, but written as record 0`.
    pub meaning: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TimelineRow {
    pub number: u64,
    /// S2's name for it, or the method where no route matched.
    pub operation: String,
    pub basin: Option<String>,
    pub stream: Option<String>,
    pub path: String,
    /// The sender: `session 3`, `c2` for a connection, or `wsgi`.
    pub by: String,
    /// Null if there was no response.
    pub status: Option<u16>,
    /// The error code, if the request was refused.
    pub code: Option<String>,
    /// What it changed or read: `created`, `+3 → 12..14`, `read 0..4`.
    pub did: String,
    pub is_write: bool,
    pub last_seq_num: Option<u64>,
    pub began: f64,
    /// Null while a session goes on.
    pub ended: Option<f64>,
    /// As one would type it.
    pub fault: Option<String>,
    /// The number of pieces of advice.
    pub advice: u64,
    /// The moment of the operation, in nanoseconds of the account's clock; null if the request was
    /// refused before it reached the account.
    pub at: Option<u64>,
    /// The point at which a hold has held it: `arrival`, `commit` or `answer`; null if none has.
    pub held_at: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Timeline {
    pub rows: Vec<TimelineRow>,
    /// The number of the oldest exchange that is kept; one more than `last` where none is.
    pub first: u64,
    pub last: u64,
    /// How many the journal has dropped because of its limits.
    pub dropped: u64,
}

/// Which exchanges the journal has.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct JournalRange {
    /// The number of the oldest exchange that is kept; one more than `last` where none is.
    pub first: u64,
    pub last: u64,
    /// How many the journal has dropped because of its limits.
    pub dropped: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Status {
    /// Whether there is an outage.
    pub is_out: bool,
    pub clock: Clock,
    pub waiting: Waiting,
    pub journal: JournalRange,
    pub faults: Vec<FaultStatus>,
    pub holds: Vec<HoldStatus>,
    pub hooks: Vec<HookStatus>,
}

/// What waits on the clock.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Waiting {
    pub count: u64,
    pub next: Vec<Wait>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Wait {
    /// Nanoseconds since 1970.
    pub until: u64,
    pub what: String,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct FaultStatus {
    pub number: u64,
    /// The call in Python that injects it.
    pub text: String,
    pub hits: u64,
    /// Null if it stays until it is removed.
    pub remaining: Option<u64>,
    pub complaint: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HoldStatus {
    pub number: u64,
    /// The call in Python that makes it.
    pub text: String,
    pub released: bool,
    pub count: u64,
    /// The last 20.
    pub held: Vec<ListedExchange>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HookStatus {
    /// By which it is listed among the holds.
    pub number: u64,
    /// The call in Python that makes it.
    pub text: String,
    pub removed: bool,
    /// The number of operations that it was called for.
    pub calls: u64,
    /// The last 20.
    pub exchanges: Vec<ListedExchange>,
}

/// An operation that reached a hold or a hook.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ListedExchange {
    /// 0 while there is no answer.
    pub number: u64,
    pub operation: Option<Operation>,
    pub basin: Option<String>,
    pub stream: Option<String>,
    /// Its number among the operations that a hold or a hook has held, by which `release` names it.
    pub held: Option<u64>,
    /// Whether it is held now.
    pub is_waiting: bool,
    /// The sender: `session 3`, `c2` for a connection, or `wsgi`.
    pub by: String,
    pub began: f64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Overview {
    pub basins: Vec<BasinOverview>,
    pub streams: Vec<StreamOverview>,
    /// The number of streams with matching names, beyond the limit too.
    pub count: u64,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct BasinOverview {
    pub name: String,
    pub location: String,
    pub created_at: String,
    pub deleted_at: Option<String>,
    pub state: BasinState,
    /// The number of its streams.
    pub streams: u64,
    /// The members that differ from the default.
    pub config: BasinConfig,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamOverview {
    pub basin: String,
    pub name: String,
    pub is_deleting: bool,
    pub tail: Position,
    pub trim_point: u64,
    pub fencing_token: String,
    /// Read sessions that follow at the tail.
    pub readers: u64,
    pub cipher: Option<Cipher>,
    /// The members that differ from the default.
    pub config: StreamConfig,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct History {
    pub basin: String,
    pub stream: String,
    pub lives: Vec<StreamLifetime>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Command {
    #[serde(rename = "fence")]
    Fence,
    #[serde(rename = "trim")]
    Trim,
}

impl Command {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fence => "fence",
            Self::Trim => "trim",
        }
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Removal {
    #[serde(rename = "trimmed")]
    Trimmed,
    #[serde(rename = "expired")]
    Expired,
    #[serde(rename = "deleted")]
    Deleted,
}

impl Removal {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trimmed => "trimmed",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
        }
    }
}

impl std::fmt::Display for Removal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Name and value.
pub type HistoryHeader = [Bytes; 2];

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct HistoryRecord {
    pub seq_num: u64,
    /// Null if it is unknown by now.
    pub timestamp: Option<u64>,
    pub headers: Vec<HistoryHeader>,
    /// The first 2,000 bytes.
    pub body: Bytes,
    /// How long the body is.
    pub bytes: u64,
    pub command: Option<Command>,
    /// The fencing token, or the sequence number before which is trimmed.
    pub value: Option<String>,
    /// The exchange that appended it; null where none in the journal did.
    pub by: Option<u64>,
    /// The first exchange that shows that it was there.
    pub since: Option<u64>,
    /// If no exchange appended it: the last one without it.
    pub after: Option<u64>,
    /// Why it is not there now.
    pub gone: Option<Removal>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StreamLifetime {
    /// The exchange that created it; 0 if that was before the journal began.
    pub start: u64,
    /// The exchange that deleted it.
    pub end: Option<u64>,
    /// True if it is the present stream.
    pub is_there: bool,
    /// The sequence number of the first record that is returned.
    pub low: u64,
    pub tail: u64,
    pub trim_point: u64,
    pub fencing_token: String,
    /// Exchanges, and the tail that each showed.
    pub tails: Vec<ShownTail>,
    /// All known command records, those before `low` too.
    pub commands: Vec<CommandRecord>,
    pub records: Vec<HistoryRecord>,
}

/// The number of an exchange, and a sequence number.
pub type ShownTail = [u64; 2];

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CommandRecord {
    pub seq_num: u64,
    pub command: Command,
    pub value: String,
    pub since: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum CampaignKind {
    #[serde(rename = "sweep")]
    Sweep,
    #[serde(rename = "orders")]
    Orders,
    #[serde(rename = "crash")]
    Crash,
}

impl CampaignKind {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sweep => "sweep",
            Self::Orders => "orders",
            Self::Crash => "crash",
        }
    }
}

impl std::fmt::Display for CampaignKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A fault at the `number`-th matching operation of that name, counted from 1.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct SweepPoint {
    pub operation: Operation,
    pub number: u64,
    pub fault: Fault,
}

impl SweepPoint {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(operation: impl Into<Operation>, number: u64, fault: impl Into<Fault>) -> Self {
        Self {
            operation: operation.into(),
            number: number,
            fault: fault.into(),
        }
    }
}

/// A crash right before or right after the effect of the `number`-th matching operation of the worker
/// of that name, counted from 1.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CrashPoint {
    pub when: When,
    pub operation: Operation,
    pub number: u64,
}

impl CrashPoint {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(when: impl Into<When>, operation: impl Into<Operation>, number: u64) -> Self {
        Self {
            when: when.into(),
            operation: operation.into(),
            number: number,
        }
    }
}

/// What an attempt does.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(untagged)]
pub enum CampaignPoint {
    SweepPoint(SweepPoint),
    CrashPoint(CrashPoint),
}

impl From<SweepPoint> for CampaignPoint {
    fn from(value: SweepPoint) -> Self {
        Self::SweepPoint(value)
    }
}

impl From<CrashPoint> for CampaignPoint {
    fn from(value: CrashPoint) -> Self {
        Self::CrashPoint(value)
    }
}

/// Each fault at each matching operation, one attempt each, after one without a fault. `faults` and
/// `on` are required but in a replay.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct SweepCampaign {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<Fault>>,
    /// The operations that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Operations>,
    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basin: Option<String>,
    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The greatest number of attempts. Without it: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<bool>,
    /// The options of the account of each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<AccountRequest>,
    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The name of the function that runs an attempt, for tests to paste.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// This attempt alone; what else is there but for the account is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<SweepPoint>,
}

impl SweepCampaign {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            faults: None,
            on: None,
            basin: None,
            stream: None,
            limit: None,
            check: None,
            options: None,
            required: None,
            scenario: None,
            replay: None,
        }
    }

    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = impl Into<Fault>>) -> Self {
        self.faults = Some(faults.into_iter().map(Into::into).collect());
        self
    }

    /// The operations that count.
    #[must_use]
    pub fn on(mut self, on: impl Into<Operations>) -> Self {
        self.on = Some(on.into());
        self
    }

    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// The greatest number of attempts. Without it: 1000.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[must_use]
    pub fn check(mut self, check: bool) -> Self {
        self.check = Some(check);
        self
    }

    /// The options of the account of each attempt.
    #[must_use]
    pub fn options(mut self, options: impl Into<AccountRequest>) -> Self {
        self.options = Some(options.into());
        self
    }

    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// The name of the function that runs an attempt, for tests to paste.
    #[must_use]
    pub fn scenario(mut self, scenario: impl Into<String>) -> Self {
        self.scenario = Some(scenario.into());
        self
    }

    /// This attempt alone; what else is there but for the account is left out.
    #[must_use]
    pub fn replay(mut self, replay: impl Into<SweepPoint>) -> Self {
        self.replay = Some(replay.into());
        self
    }
}

/// All orders in which the operations of the actors can take effect; orders that differ only in
/// operations that commute are one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct OrdersCampaign {
    /// The name of each actor, which gets a token of its own in each attempt.
    pub actors: Vec<String>,
    /// The greatest number of orders. Without it: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u64>,
    /// The greatest number of faults in one order. Without it: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_faults: Option<u64>,
    /// The faults to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<Vec<Fault>>,
    /// Seconds of real time after which an actor is passed over that neither sends an operation nor
    /// ends. Without it: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settle: Option<f64>,
    /// Seconds of real time in which nothing may happen, once the first operation has arrived. Without
    /// it: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// The seed of random orders, if there are too many. Without it: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<bool>,
    /// The options of the account of each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<AccountRequest>,
    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The name of the function that runs an attempt, for tests to paste.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// This order alone, such as `a1 b1 b2 a2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<String>,
    /// The faults in that order, by the names of its operations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_faults: Option<BTreeMap<String, Fault>>,
}

impl OrdersCampaign {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(actors: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            actors: actors.into_iter().map(Into::into).collect(),
            max_runs: None,
            max_faults: None,
            faults: None,
            settle: None,
            timeout: None,
            seed: None,
            check: None,
            options: None,
            required: None,
            scenario: None,
            replay: None,
            replay_faults: None,
        }
    }

    /// The greatest number of orders. Without it: 1000.
    #[must_use]
    pub fn max_runs(mut self, max_runs: u64) -> Self {
        self.max_runs = Some(max_runs);
        self
    }

    /// The greatest number of faults in one order. Without it: 0.
    #[must_use]
    pub fn max_faults(mut self, max_faults: u64) -> Self {
        self.max_faults = Some(max_faults);
        self
    }

    /// The faults to choose from.
    #[must_use]
    pub fn faults(mut self, faults: impl IntoIterator<Item = impl Into<Fault>>) -> Self {
        self.faults = Some(faults.into_iter().map(Into::into).collect());
        self
    }

    /// Seconds of real time after which an actor is passed over that neither sends an operation nor
    /// ends. Without it: 1.
    #[must_use]
    pub fn settle(mut self, settle: f64) -> Self {
        self.settle = Some(settle);
        self
    }

    /// Seconds of real time in which nothing may happen, once the first operation has arrived. Without
    /// it: 10.
    #[must_use]
    pub fn timeout(mut self, timeout: f64) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The seed of random orders, if there are too many. Without it: 0.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[must_use]
    pub fn check(mut self, check: bool) -> Self {
        self.check = Some(check);
        self
    }

    /// The options of the account of each attempt.
    #[must_use]
    pub fn options(mut self, options: impl Into<AccountRequest>) -> Self {
        self.options = Some(options.into());
        self
    }

    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// The name of the function that runs an attempt, for tests to paste.
    #[must_use]
    pub fn scenario(mut self, scenario: impl Into<String>) -> Self {
        self.scenario = Some(scenario.into());
        self
    }

    /// This order alone, such as `a1 b1 b2 a2`.
    #[must_use]
    pub fn replay(mut self, replay: impl Into<String>) -> Self {
        self.replay = Some(replay.into());
        self
    }

    /// The faults in that order, by the names of its operations.
    #[must_use]
    pub fn replay_faults(mut self, replay_faults: BTreeMap<String, Fault>) -> Self {
        self.replay_faults = Some(replay_faults);
        self
    }
}

/// A stop of the worker before and after each of its matching operations, one attempt each, after one
/// without a crash. `on` is required but in a replay.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize, Default)]
pub struct CrashCampaign {
    /// The operations that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on: Option<Operations>,
    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basin: Option<String>,
    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// The greatest number of attempts. Without it: 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<bool>,
    /// The options of the account of each attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<AccountRequest>,
    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// The name of the function that runs an attempt, for tests to paste.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// This attempt alone; what else is there but for the account is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<CrashPoint>,
}

impl CrashCampaign {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            on: None,
            basin: None,
            stream: None,
            limit: None,
            check: None,
            options: None,
            required: None,
            scenario: None,
            replay: None,
        }
    }

    /// The operations that count.
    #[must_use]
    pub fn on(mut self, on: impl Into<Operations>) -> Self {
        self.on = Some(on.into());
        self
    }

    /// Name of a basin, or a glob such as `orders-*`. Without it: `*`.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob such as `orders/*`. Without it: `*`.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// The greatest number of attempts. Without it: 1000.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether an attempt also fails if what its clients observed is not linearizable. Without it:
    /// false.
    #[must_use]
    pub fn check(mut self, check: bool) -> Self {
        self.check = Some(check);
        self
    }

    /// The options of the account of each attempt.
    #[must_use]
    pub fn options(mut self, options: impl Into<AccountRequest>) -> Self {
        self.options = Some(options.into());
        self
    }

    /// Of a replay: whether the attempt fails if what it names does not arrive. Without it: true.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = Some(required);
        self
    }

    /// The name of the function that runs an attempt, for tests to paste.
    #[must_use]
    pub fn scenario(mut self, scenario: impl Into<String>) -> Self {
        self.scenario = Some(scenario.into());
        self
    }

    /// This attempt alone; what else is there but for the account is left out.
    #[must_use]
    pub fn replay(mut self, replay: impl Into<CrashPoint>) -> Self {
        self.replay = Some(replay.into());
        self
    }
}

/// A campaign of one of three kinds.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "kind")]
pub enum CampaignRequest {
    #[serde(rename = "sweep")]
    Sweep(SweepCampaign),
    #[serde(rename = "orders")]
    Orders(OrdersCampaign),
    #[serde(rename = "crash")]
    Crash(CrashCampaign),
}

impl From<SweepCampaign> for CampaignRequest {
    fn from(value: SweepCampaign) -> Self {
        Self::Sweep(value)
    }
}

impl From<OrdersCampaign> for CampaignRequest {
    fn from(value: OrdersCampaign) -> Self {
        Self::Orders(value)
    }
}

impl From<CrashCampaign> for CampaignRequest {
    fn from(value: CrashCampaign) -> Self {
        Self::Crash(value)
    }
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct NewCampaign {
    pub number: u64,
    pub kind: CampaignKind,
}

/// An actor of an attempt, or its worker, whose operations are known by its token.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CampaignActor {
    pub name: String,
    /// The access token for its client.
    pub token: String,
    pub ended: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum AttemptOutcome {
    #[serde(rename = "passed")]
    Passed,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "skipped")]
    Skipped,
}

impl AttemptOutcome {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl std::fmt::Display for AttemptOutcome {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The outcome of an attempt.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct AttemptEnd {
    pub outcome: AttemptOutcome,
    /// Why it has failed; the first line is shown, and two failures are equal if all lines are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl AttemptEnd {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(outcome: impl Into<AttemptOutcome>) -> Self {
        Self {
            outcome: outcome.into(),
            message: None,
        }
    }

    /// Why it has failed; the first line is shown, and two failures are equal if all lines are.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

/// An attempt of a campaign, with the access token of its account.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CampaignAttempt {
    pub number: u64,
    pub campaign: u64,
    pub token: String,
    /// What is done in it, such as `a crash before append 2`; an order as far as it is known.
    pub title: String,
    pub actors: Vec<CampaignActor>,
    /// The outcome that counts; null while the attempt is open.
    pub outcome: Option<AttemptOutcome>,
    /// Why it has failed, or why its actors cannot go on.
    pub message: Option<String>,
    /// Where its fault or its crash is; left out in an attempt without one, and in an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<CampaignPoint>,
    /// In a campaign of crashes: whether the point is reached, so that the worker has to be stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<bool>,
}

/// Equal failures: the shortest one, and the numbers of the others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CampaignFailure {
    pub attempt: u64,
    pub title: String,
    pub message: String,
    /// The number of attempts that failed in this way.
    pub count: u64,
    pub others: Vec<u64>,
    /// The exchanges of the attempt, or the operations of its order.
    pub timeline: String,
    /// The exchanges that ended with the connection of the fault.
    pub taken: Vec<String>,
    /// The request that runs this attempt alone; left out for an attempt without a fault or a crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<CampaignRequest>,
}

/// What a campaign has found until now, as if it ended now.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CampaignReport {
    pub number: u64,
    pub kind: CampaignKind,
    /// Whether all attempts were run and none failed.
    pub passed: bool,
    /// The number of attempts that were run.
    pub attempts: u64,
    /// The number of all attempts; null as long as it is not known.
    pub planned: Option<u64>,
    /// What a test fails with, or null.
    pub complaint: Option<String>,
    /// Orders that were left out, or that may not repeat.
    pub notes: Vec<String>,
    pub failures: Vec<CampaignFailure>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ListedAttempt {
    pub number: u64,
    /// What was done in it: a fault, or an order such as `a1 b1 a2`.
    pub title: String,
    /// `passed`, `failed` or `skipped`; null while it is open.
    pub outcome: Option<String>,
    /// The first line of a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ListedCampaign {
    pub number: u64,
    /// `sweep`, `orders` or `crash`.
    pub kind: String,
    pub is_ended: bool,
    /// The number of attempts that have begun.
    pub count: u64,
    /// The last 1,000.
    pub attempts: Vec<ListedAttempt>,
    /// Null without a failure.
    pub shortest: Option<ShortestFailure>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct CampaignList {
    pub campaigns: Vec<ListedCampaign>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct ShortestFailure {
    pub attempt: u64,
    pub title: String,
    pub message: String,
    pub timeline: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Language {
    #[serde(rename = "go")]
    Go,
    #[serde(rename = "rust")]
    Rust,
    #[serde(rename = "typescript")]
    Typescript,
}

impl Language {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Typescript => "typescript",
        }
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Name {
    #[serde(rename = "s2mock")]
    S2mock,
}

impl Name {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::S2mock => "s2mock",
        }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Auth {
    #[serde(rename = "open")]
    Open,
    #[serde(rename = "required")]
    Required,
}

impl Auth {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Required => "required",
        }
    }
}

impl std::fmt::Display for Auth {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Profile {
    #[serde(rename = "real")]
    Real,
    #[serde(rename = "documented")]
    Documented,
}

impl Profile {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Documented => "documented",
        }
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub enum When {
    #[serde(rename = "before")]
    Before,
    #[serde(rename = "after")]
    After,
}

impl When {
    /// Return the text in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

impl std::fmt::Display for When {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
