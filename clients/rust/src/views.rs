//! What a test reads from an account: its journal, its clock, its streams, its snapshots.
use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use base64ct::{Base64, Encoding as _};
use serde_json::{Value, json};

use crate::{
    control::{Control, Events, Request},
    error::{Error, Result},
    routes::{
        ExportHistoryQuery, LookAtBasinQuery, LookAtRecordsQuery, LookAtStreamQuery,
        ReadClockQuery, ReadHistoryQuery, ReadJournalQuery, ReadReadersQuery, ReadTimelineQuery,
    },
    types::{self, BasinSeedConfig, Exchange, Operation, ShownExchange, StreamSeedConfig},
};

/// How long a wait lasts at most, in real time, where a test gives no other time.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// Which exchanges of a journal: by operation, basin, stream (names or globs), status, or a number before.
pub type Filter = ReadJournalQuery;

impl From<Operation> for Filter {
    fn from(operation: Operation) -> Self {
        Self::new().operation([operation])
    }
}

/// The exchanges of an account.
#[derive(Clone, Debug)]
pub struct Journal {
    control: Control,
}

impl Journal {
    pub(crate) fn new(control: Control) -> Self {
        Self { control }
    }

    /// The exchanges that match, oldest first.
    pub async fn of(&self, filter: impl Into<Filter>) -> Result<Vec<Exchange>> {
        Ok(self.state(filter).await?.exchanges)
    }

    /// All exchanges, oldest first.
    pub async fn all(&self) -> Result<Vec<Exchange>> {
        self.of(Filter::new()).await
    }

    /// The state of the journal: its exchanges, the last number, how many were dropped, its limits.
    pub async fn state(&self, filter: impl Into<Filter>) -> Result<types::Journal> {
        self.control.read_journal(&filter.into()).await
    }

    /// Wait until there are `count` exchanges that match (one without it), and return them.
    ///
    /// It is an [`Error::WaitTimeout`] after [`TIMEOUT`], or the seconds in `wait` of the filter.
    pub async fn wait_for(&self, filter: impl Into<Filter>) -> Result<Vec<Exchange>> {
        let mut filter = filter.into();
        filter.wait.get_or_insert(TIMEOUT.as_secs_f64());
        self.of(filter).await
    }

    /// Follow the exchanges that match, those of the past first.
    pub async fn follow(&self, filter: impl Into<Filter>) -> Result<Following> {
        Ok(Following { events: self.control.read_journal_events(&filter.into()).await? })
    }

    /// One exchange for a person to read, without secrets, and the source of a test that sends the same.
    pub async fn get(&self, number: u64) -> Result<ShownExchange> {
        self.control.get_exchange(number).await
    }

    /// Remove all exchanges.
    pub async fn clear(&self) -> Result<()> {
        self.control.clear_journal().await
    }

    /// The text of the timeline: a line for each of the last exchanges, and the reason of the last refusal.
    pub async fn timeline(&self) -> Result<String> {
        let text = self.control.read_timeline_text(&ReadTimelineQuery::new()).await?;
        Ok(text.trim_end().to_owned())
    }

    /// The exchanges as a cassette, which `s2mock drift` reads, without secrets.
    pub async fn cassette(&self) -> Result<String> {
        self.control.export_cassette().await
    }

    /// Write the cassette into a file.
    pub async fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.cassette().await?)
    }

    /// The history in the format of s2-verification: of a stream, or of all.
    pub async fn history(&self, place: &ExportHistoryQuery) -> Result<String> {
        self.control.export_history(place).await
    }
}

/// Exchanges as they begin, until this is dropped.
#[derive(Debug)]
pub struct Following {
    events: Events,
}

impl Following {
    /// Return the next exchange, once there is one; `None` when the server has ended.
    pub async fn next(&mut self) -> Result<Option<Exchange>> {
        self.events.next_json().await
    }
}

/// The clock of an account, which a test advances if the account was made with `ClockKind::Manual`.
#[derive(Clone, Debug)]
pub struct Clock {
    control: Control,
}

impl Clock {
    pub(crate) fn new(control: Control) -> Self {
        Self { control }
    }

    /// The state of the clock: `date`, `timestamp` in milliseconds, `waiters`.
    pub async fn state(&self) -> Result<types::Clock> {
        self.control.read_clock(&ReadClockQuery::new()).await
    }

    /// The time of the account.
    pub async fn now(&self) -> Result<SystemTime> {
        let milliseconds = self.state().await?.timestamp;
        Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds))
    }

    /// Advance a manual clock.
    pub async fn advance(&self, by: Duration) -> Result<types::Clock> {
        self.control.advance(&types::AdvanceRequest::new(by.as_secs_f64())).await
    }

    /// Keep a clock of `ClockKind::Auto` still while a future runs.
    pub async fn stopped<T>(&self, during: impl Future<Output = T>) -> Result<T> {
        self.control.stop_clock().await?;
        let value = during.await;
        self.control.end_clock_stop().await?;
        Ok(value)
    }

    /// Wait until that number of operations waits for the clock, for [`TIMEOUT`] at most.
    pub async fn wait_for_waiters(&self, count: u64) -> Result<()> {
        self.wait_for_waiters_within(count, TIMEOUT).await
    }

    /// The same, with a time of real time.
    pub async fn wait_for_waiters_within(&self, count: u64, timeout: Duration) -> Result<()> {
        let query = ReadClockQuery::new().waiters(count).wait(timeout.as_secs_f64());
        self.control.read_clock(&query).await.map(drop)
    }
}

/// The state of an account at one time, which any account of the server can go back to or start from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    control: Control,
    /// The number, for the option `snapshot` of an account.
    pub number: u64,
    /// When it was taken, in nanoseconds since 1970.
    pub time: u64,
}

impl Snapshot {
    pub(crate) fn new(control: Control, taken: &types::Snapshot) -> Self {
        Self { control, number: taken.number, time: taken.time }
    }

    /// Load the content of a file.
    pub(crate) async fn load(control: &Control, path: &Path) -> Result<Self> {
        Self::parse(control, &fs::read_to_string(path).map_err(Error::in_file(path))?).await
    }

    /// Load content that `text` has returned.
    pub(crate) async fn parse(control: &Control, text: &str) -> Result<Self> {
        Ok(Self::new(control.clone(), &control.take_snapshot(Some(text)).await?))
    }

    /// The content, as lines of JSON.
    pub async fn text(&self) -> Result<String> {
        self.control.get_snapshot(self.number).await
    }

    /// Write the content into a file, which `S2Mock::load` and `s2mock --snapshot` read.
    pub async fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write(path.as_ref(), &self.text().await?)
    }

    /// Remove it from the server.
    pub async fn forget(&self) -> Result<()> {
        self.control.forget_snapshot(self.number).await
    }
}

pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::in_file(path))
}

/// A record, as a direct call of a test reads it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StoredRecord {
    pub seq_num: u64,
    /// Milliseconds since 1970.
    pub timestamp: u64,
    pub body: Vec<u8>,
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StoredRecord {
    /// The body as text; what is no UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn read(record: &types::Record) -> Result<Self> {
        let headers = record.headers.iter().flatten();
        Ok(Self {
            seq_num: record.seq_num,
            timestamp: record.timestamp,
            body: decode(record.body.as_deref().unwrap_or_default())?,
            headers: headers
                .map(|[name, value]| Ok((decode(name)?, decode(value)?)))
                .collect::<Result<_>>()?,
        })
    }
}

fn decode(text: &str) -> Result<Vec<u8>> {
    Base64::decode_vec(text).map_err(|error| {
        Error::Usage(format!("the server sent {text:?}, which is no base64: {error}"))
    })
}

/// A stream for direct calls of a test, which are in no journal and meet no fault.
#[derive(Clone, Debug)]
pub struct StreamHandle {
    control: Control,
    basin: String,
    name: String,
}

impl StreamHandle {
    pub(crate) fn new(control: Control, basin: &str, name: &str) -> Self {
        Self { control, basin: basin.to_owned(), name: name.to_owned() }
    }

    /// All records that it holds now.
    pub async fn records(&self) -> Result<Vec<StoredRecord>> {
        self.read_records(&self.records_query()).await
    }

    /// The bodies of all records, as text.
    pub async fn bodies(&self) -> Result<Vec<String>> {
        Ok(self.records().await?.iter().map(StoredRecord::text).collect())
    }

    /// Wait until it holds that number of records, for [`TIMEOUT`] at most, and return them.
    pub async fn wait_for_records(&self, count: u64) -> Result<Vec<StoredRecord>> {
        self.wait_for_records_within(count, TIMEOUT).await
    }

    /// The same, with a time of real time.
    pub async fn wait_for_records_within(
        &self,
        count: u64,
        timeout: Duration,
    ) -> Result<Vec<StoredRecord>> {
        self.read_records(&self.records_query().count(count).wait(timeout.as_secs_f64())).await
    }

    /// Append a record for each text, and return the sequence number of the first.
    pub async fn append(&self, bodies: impl IntoIterator<Item = impl AsRef<str>>) -> Result<u64> {
        let path = format!("/streams/{}/records", crate::control::encode(&self.name));
        let bodies = bodies.into_iter().map(|body| json!({"body": body.as_ref()}));
        let document = json!({"records": bodies.collect::<Vec<_>>()});
        let ack = direct(&self.control, "POST", &path, Some(&document), Some(&self.basin)).await?;
        ack["start"]["seq_num"].as_u64().ok_or_else(|| unexpected(&ack))
    }

    /// Look at it: its configuration, its tail, its fencing token.
    pub async fn look(&self) -> Result<types::StreamView> {
        let query = LookAtStreamQuery::new(&self.basin, &self.name);
        self.control.look_at_stream(&query).await
    }

    /// What the journal shows of it: each life that it had, with records that are gone, too.
    pub async fn history(&self) -> Result<types::History> {
        let query = ReadHistoryQuery::new(&self.basin, &self.name);
        self.control.read_history(&query).await
    }

    /// The number of read sessions that follow at its tail.
    pub async fn readers(&self) -> Result<u64> {
        let query = ReadReadersQuery::new(&self.basin, &self.name);
        Ok(self.control.read_readers(&query).await?.readers)
    }

    /// Wait until that number of read sessions follows at its tail, for [`TIMEOUT`] at most.
    pub async fn wait_for_readers(&self, count: u64) -> Result<()> {
        self.wait_for_readers_within(count, TIMEOUT).await
    }

    /// The same, with a time of real time.
    pub async fn wait_for_readers_within(&self, count: u64, timeout: Duration) -> Result<()> {
        let query = ReadReadersQuery::new(&self.basin, &self.name).count(count);
        self.control.read_readers(&query.wait(timeout.as_secs_f64())).await.map(drop)
    }

    fn records_query(&self) -> LookAtRecordsQuery {
        LookAtRecordsQuery::new(&self.basin, &self.name)
    }

    async fn read_records(&self, query: &LookAtRecordsQuery) -> Result<Vec<StoredRecord>> {
        self.control.look_at_records(query).await?.records.iter().map(StoredRecord::read).collect()
    }
}

/// A basin for direct calls of a test.
#[derive(Clone, Debug)]
pub struct BasinHandle {
    control: Control,
    name: String,
}

impl BasinHandle {
    pub(crate) fn new(control: Control, name: &str) -> Self {
        Self { control, name: name.to_owned() }
    }

    /// A stream of it, which need not be there yet.
    #[must_use]
    pub fn stream(&self, name: &str) -> StreamHandle {
        StreamHandle::new(self.control.clone(), &self.name, name)
    }

    /// Create a stream.
    pub async fn create_stream(
        &self,
        name: &str,
        config: StreamSeedConfig,
    ) -> Result<StreamHandle> {
        let document = json!({"stream": name, "config": config});
        direct(&self.control, "POST", "/streams", Some(&document), Some(&self.name)).await?;
        Ok(self.stream(name))
    }

    /// Create it.
    pub async fn create(&self, config: BasinSeedConfig) -> Result<()> {
        let document = json!({"basin": self.name, "config": config});
        direct(&self.control, "POST", "/basins", Some(&document), None).await.map(drop)
    }

    /// Look at it: its configuration, its location.
    pub async fn look(&self) -> Result<types::BasinView> {
        self.control.look_at_basin(&LookAtBasinQuery::new(&self.name)).await
    }
}

/// Send a request of S2's API as a direct call of a test, which is in no journal and meets no fault.
pub(crate) async fn direct(
    control: &Control,
    method: &'static str,
    path: &str,
    document: Option<&Value>,
    basin: Option<&str>,
) -> Result<Value> {
    let request = Request::new(method, &format!("/v1{path}")).header("s2-basin", basin.as_ref());
    let request = match document {
        Some(document) => request.body(document),
        None => request,
    };
    Ok(control.send(request).json_or_nothing().await?.unwrap_or_default())
}

pub(crate) fn unexpected(document: &Value) -> Error {
    Error::Usage(format!(
        "the server sent {document}, which is no answer of this version of s2mock"
    ))
}
