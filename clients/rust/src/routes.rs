//! Each operation of the control API. `.ci/rust_types.py` writes this file.
use crate::{
    Result,
    control::{Control, Events, Request},
    types::*,
};

/// The parameters of [`Control::get_fault`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetFaultQuery {
    /// How many to wait for; with `wait` only.
    pub hits: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl GetFaultQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            hits: None,
            wait: None,
        }
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn hits(mut self, hits: u64) -> Self {
        self.hits = Some(hits);
        self
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl GetFaultQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("hits", self.hits.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::get_hold`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetHoldQuery {
    /// How many to wait for; with `wait` only.
    pub count: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl GetHoldQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            count: None,
            wait: None,
        }
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl GetHoldQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("count", self.count.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::read_journal`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadJournalQuery {
    /// Only exchanges with a higher number.
    pub after: Option<u64>,
    /// Only these operations; several times, or with commas between them.
    pub operation: Option<Vec<Operation>>,
    /// Name of a basin, or a glob.
    pub basin: Option<String>,
    /// Name of a stream, or a glob.
    pub stream: Option<String>,
    /// Only answers with this status.
    pub status: Option<u16>,
    /// How many to wait for; with `wait` only.
    pub count: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl ReadJournalQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            after: None,
            operation: None,
            basin: None,
            stream: None,
            status: None,
            count: None,
            wait: None,
        }
    }

    /// Only exchanges with a higher number.
    #[must_use]
    pub fn after(mut self, after: u64) -> Self {
        self.after = Some(after);
        self
    }

    /// Only these operations; several times, or with commas between them.
    #[must_use]
    pub fn operation(mut self, operation: impl IntoIterator<Item = impl Into<Operation>>) -> Self {
        self.operation = Some(operation.into_iter().map(Into::into).collect());
        self
    }

    /// Name of a basin, or a glob.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }

    /// Only answers with this status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl ReadJournalQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("after", self.after.as_ref())
            .query_all("operation", self.operation.as_ref())
            .query("basin", self.basin.as_ref())
            .query("stream", self.stream.as_ref())
            .query("status", self.status.as_ref())
            .query("count", self.count.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::read_clock`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadClockQuery {
    /// How many to wait for; with `wait` only.
    pub waiters: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl ReadClockQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            waiters: None,
            wait: None,
        }
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn waiters(mut self, waiters: u64) -> Self {
        self.waiters = Some(waiters);
        self
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl ReadClockQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("waiters", self.waiters.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::read_readers`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReadReadersQuery {
    /// Name of the basin.
    pub basin: String,
    /// Name of the stream.
    pub stream: String,
    /// How many to wait for; with `wait` only.
    pub count: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl ReadReadersQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>, stream: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            stream: stream.into(),
            count: None,
            wait: None,
        }
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl ReadReadersQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", Some(&self.basin))
            .query("stream", Some(&self.stream))
            .query("count", self.count.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::look_at_basin`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookAtBasinQuery {
    /// Name of the basin.
    pub basin: String,
    /// The number of one of all that have had this name; another is not found.
    pub incarnation: Option<u64>,
}

impl LookAtBasinQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            incarnation: None,
        }
    }

    /// The number of one of all that have had this name; another is not found.
    #[must_use]
    pub fn incarnation(mut self, incarnation: u64) -> Self {
        self.incarnation = Some(incarnation);
        self
    }
}

impl LookAtBasinQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", Some(&self.basin))
            .query("incarnation", self.incarnation.as_ref())
    }
}

/// The parameters of [`Control::look_at_stream`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookAtStreamQuery {
    /// Name of the basin.
    pub basin: String,
    /// Name of the stream.
    pub stream: String,
    /// The number of one of all that have had this name; another is not found.
    pub incarnation: Option<u64>,
    /// The number of one of all basins that have had that name.
    pub basin_incarnation: Option<u64>,
    /// How many to wait for; with `wait` only.
    pub readers: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; after them the answer is 408, which says what
    /// came instead.
    pub wait: Option<f64>,
}

impl LookAtStreamQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>, stream: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            stream: stream.into(),
            incarnation: None,
            basin_incarnation: None,
            readers: None,
            wait: None,
        }
    }

    /// The number of one of all that have had this name; another is not found.
    #[must_use]
    pub fn incarnation(mut self, incarnation: u64) -> Self {
        self.incarnation = Some(incarnation);
        self
    }

    /// The number of one of all basins that have had that name.
    #[must_use]
    pub fn basin_incarnation(mut self, basin_incarnation: u64) -> Self {
        self.basin_incarnation = Some(basin_incarnation);
        self
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn readers(mut self, readers: u64) -> Self {
        self.readers = Some(readers);
        self
    }

    /// Seconds of real time to wait at most, up to a day; after them the answer is 408, which says what
    /// came instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl LookAtStreamQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", Some(&self.basin))
            .query("stream", Some(&self.stream))
            .query("incarnation", self.incarnation.as_ref())
            .query("basin_incarnation", self.basin_incarnation.as_ref())
            .query("readers", self.readers.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::look_at_records`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookAtRecordsQuery {
    /// Name of the basin.
    pub basin: String,
    /// Name of the stream.
    pub stream: String,
    /// The number of one of all that have had this name; another is not found.
    pub incarnation: Option<u64>,
    /// How many to wait for; with `wait` only.
    pub count: Option<u64>,
    /// Seconds of real time to wait at most, up to a day; after them the answer is 408, which says what
    /// came instead.
    pub wait: Option<f64>,
}

impl LookAtRecordsQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>, stream: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            stream: stream.into(),
            incarnation: None,
            count: None,
            wait: None,
        }
    }

    /// The number of one of all that have had this name; another is not found.
    #[must_use]
    pub fn incarnation(mut self, incarnation: u64) -> Self {
        self.incarnation = Some(incarnation);
        self
    }

    /// How many to wait for; with `wait` only.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Seconds of real time to wait at most, up to a day; after them the answer is 408, which says what
    /// came instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl LookAtRecordsQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", Some(&self.basin))
            .query("stream", Some(&self.stream))
            .query("incarnation", self.incarnation.as_ref())
            .query("count", self.count.as_ref())
            .query("wait", self.wait.as_ref())
    }
}

/// The parameters of [`Control::look_at_token`].
#[derive(Clone, Debug, PartialEq)]
pub struct LookAtTokenQuery {
    /// Id of the token.
    pub id: String,
    /// Secret of the token.
    pub s2mock_incarnation: String,
}

impl LookAtTokenQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(id: impl Into<String>, s2mock_incarnation: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            s2mock_incarnation: s2mock_incarnation.into(),
        }
    }
}

impl LookAtTokenQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("id", Some(&self.id))
            .header("s2mock-incarnation", Some(&self.s2mock_incarnation))
    }
}

/// The parameters of [`Control::take_advice`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TakeAdviceQuery {
    /// The test is over, unless this is false: read sessions without an end that are open now get
    /// advice.
    pub open: Option<bool>,
}

impl TakeAdviceQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            open: None,
        }
    }

    /// The test is over, unless this is false: read sessions without an end that are open now get
    /// advice.
    #[must_use]
    pub fn open(mut self, open: bool) -> Self {
        self.open = Some(open);
        self
    }
}

impl TakeAdviceQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("open", self.open.as_ref())
    }
}

/// The parameters of [`Control::export_history`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ExportHistoryQuery {
    /// Name of a basin, or a glob.
    pub basin: Option<String>,
    /// Name of a stream, or a glob; needed if there are exchanges of more than one stream.
    pub stream: Option<String>,
}

impl ExportHistoryQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            basin: None,
            stream: None,
        }
    }

    /// Name of a basin, or a glob.
    #[must_use]
    pub fn basin(mut self, basin: impl Into<String>) -> Self {
        self.basin = Some(basin.into());
        self
    }

    /// Name of a stream, or a glob; needed if there are exchanges of more than one stream.
    #[must_use]
    pub fn stream(mut self, stream: impl Into<String>) -> Self {
        self.stream = Some(stream.into());
        self
    }
}

impl ExportHistoryQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", self.basin.as_ref())
            .query("stream", self.stream.as_ref())
    }
}

/// The parameters of [`Control::read_timeline`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReadTimelineQuery {
    /// Only exchanges with a higher number.
    pub after: Option<u64>,
}

impl ReadTimelineQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            after: None,
        }
    }

    /// Only exchanges with a higher number.
    #[must_use]
    pub fn after(mut self, after: u64) -> Self {
        self.after = Some(after);
        self
    }
}

impl ReadTimelineQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("after", self.after.as_ref())
    }
}

/// The parameters of [`Control::list_streams`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ListStreamsQuery {
    /// Only streams with this text in their name or in the name of their basin.
    pub contains: Option<String>,
    /// The greatest number of streams to return.
    pub limit: Option<u64>,
}

impl ListStreamsQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            contains: None,
            limit: None,
        }
    }

    /// Only streams with this text in their name or in the name of their basin.
    #[must_use]
    pub fn contains(mut self, contains: impl Into<String>) -> Self {
        self.contains = Some(contains.into());
        self
    }

    /// The greatest number of streams to return.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl ListStreamsQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("contains", self.contains.as_ref())
            .query("limit", self.limit.as_ref())
    }
}

/// The parameters of [`Control::read_history`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReadHistoryQuery {
    /// Name of the basin.
    pub basin: String,
    /// Name of the stream.
    pub stream: String,
    /// Only records before this sequence number.
    pub before: Option<u64>,
    /// The greatest number of records of each lifetime, the last ones.
    pub count: Option<u64>,
}

impl ReadHistoryQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new(basin: impl Into<String>, stream: impl Into<String>) -> Self {
        Self {
            basin: basin.into(),
            stream: stream.into(),
            before: None,
            count: None,
        }
    }

    /// Only records before this sequence number.
    #[must_use]
    pub fn before(mut self, before: u64) -> Self {
        self.before = Some(before);
        self
    }

    /// The greatest number of records of each lifetime, the last ones.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }
}

impl ReadHistoryQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("basin", Some(&self.basin))
            .query("stream", Some(&self.stream))
            .query("before", self.before.as_ref())
            .query("count", self.count.as_ref())
    }
}

/// The parameters of [`Control::report_campaign`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct ReportCampaignQuery {
    /// The report is text, and has the shortest failure as a test to paste in this language.
    pub language: Option<Language>,
}

impl ReportCampaignQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            language: None,
        }
    }

    /// The report is text, and has the shortest failure as a test to paste in this language.
    #[must_use]
    pub fn language(mut self, language: impl Into<Language>) -> Self {
        self.language = Some(language.into());
        self
    }
}

impl ReportCampaignQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("language", self.language.as_ref())
    }
}

/// The parameters of [`Control::get_attempt`].
#[derive(Clone, Debug, PartialEq, Default)]
pub struct GetAttemptQuery {
    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    pub wait: Option<f64>,
}

impl GetAttemptQuery {
    /// Return one with the required members alone.
    #[must_use]
    pub fn new() -> Self {
        Self {
            wait: None,
        }
    }

    /// Seconds of real time to wait at most, up to a day; the answer is then 408, with a message that
    /// says what there was instead.
    #[must_use]
    pub fn wait(mut self, wait: f64) -> Self {
        self.wait = Some(wait);
        self
    }
}

impl GetAttemptQuery {
    fn add_to(&self, request: Request) -> Request {
        request
            .query("wait", self.wait.as_ref())
    }
}

impl Control {
    /// The list of all routes.
    pub async fn index(&self) -> Result<Index> {
        self.send(Request::new("GET", "")).json().await
    }

    /// This description.
    pub async fn describe(&self) -> Result<Description> {
        self.send(Request::new("GET", "/openapi.json")).json().await
    }

    /// All accounts, the first one first.
    pub async fn list_accounts(&self) -> Result<AccountList> {
        self.send(Request::new("GET", "/accounts")).json().await
    }

    /// Make an account with a token of its own. It starts as the server was started, unless options
    /// change that.
    pub async fn make_account(&self, body: &AccountRequest) -> Result<NewAccount> {
        self.send(Request::new("POST", "/accounts").body(body)).json().await
    }

    /// End the account of the bearer token. Later requests with the token are refused with 401.
    pub async fn end_account(&self) -> Result<()> {
        self.send(Request::new("DELETE", "/accounts")).nothing().await
    }

    /// Make an account that starts as this one is now, with its options, a clock and a token of its
    /// own.
    pub async fn fork(&self) -> Result<NewAccount> {
        self.send(Request::new("POST", "/fork")).json().await
    }

    /// Start the account again as it started. Its token stays; its sessions end, and its faults and
    /// holds are removed.
    pub async fn reset(&self) -> Result<()> {
        self.send(Request::new("POST", "/reset")).nothing().await
    }

    /// The faults that were injected and not removed.
    pub async fn list_faults(&self) -> Result<InjectedFaults> {
        self.send(Request::new("GET", "/faults")).json().await
    }

    /// Inject a fault into the next operation that matches; operations that are held before their
    /// effect count first.
    pub async fn inject(&self, body: &FaultRequest) -> Result<InjectedFault> {
        self.send(Request::new("POST", "/faults").body(body)).json().await
    }

    /// A fault and the exchanges that it has affected; with `wait`, once it has affected `hits`
    /// operations.
    pub async fn get_fault(&self, number: u64, query: &GetFaultQuery) -> Result<InjectedFault> {
        self.send(query.add_to(Request::new("GET", &format!("/faults/{number}")))).json().await
    }

    /// Remove the fault.
    pub async fn remove_fault(&self, number: u64) -> Result<()> {
        self.send(Request::new("DELETE", &format!("/faults/{number}"))).nothing().await
    }

    /// Apply none of the operations that a `Late` has taken and that were not applied yet, as at the
    /// end of a test.
    pub async fn drop_late(&self) -> Result<LateRemarks> {
        self.send(Request::new("DELETE", "/late")).json().await
    }

    /// All holds, the released ones too.
    pub async fn list_holds(&self) -> Result<HoldList> {
        self.send(Request::new("GET", "/holds")).json().await
    }

    /// Keep the next operation that matches waiting, while all others go on.
    pub async fn hold(&self, body: &HoldRequest) -> Result<Hold> {
        self.send(Request::new("POST", "/holds").body(body)).json().await
    }

    /// A hold and the exchanges that it has held; with `wait`, once there are `count` of them.
    pub async fn get_hold(&self, number: u64, query: &GetHoldQuery) -> Result<Hold> {
        self.send(query.add_to(Request::new("GET", &format!("/holds/{number}")))).json().await
    }

    /// Release the operations that are held, and hold no others; or release one of them. Releasing
    /// twice is harmless.
    pub async fn release(&self, number: u64, body: &ReleaseRequest) -> Result<Hold> {
        self.send(Request::new("POST", &format!("/holds/{number}/release")).body(body)).json().await
    }

    /// The exchanges that match, oldest first; with `wait`, once there are `count` of them. With
    /// `Accept: text/event-stream` they are sent as events, first the existing ones and then each new
    /// one.
    pub async fn read_journal(&self, query: &ReadJournalQuery) -> Result<Journal> {
        self.send(query.add_to(Request::new("GET", "/journal"))).json().await
    }

    /// The exchanges that match, oldest first; with `wait`, once there are `count` of them. With
    /// `Accept: text/event-stream` they are sent as events, first the existing ones and then each new
    /// one.
    pub async fn read_journal_events(&self, query: &ReadJournalQuery) -> Result<Events> {
        self.send(query.add_to(Request::new("GET", "/journal"))).events().await
    }

    /// Forget all exchanges. Their numbers go on.
    pub async fn clear_journal(&self) -> Result<()> {
        self.send(Request::new("DELETE", "/journal")).nothing().await
    }

    /// The account's time; with `wait`, once `waiters` operations wait for the clock to advance.
    pub async fn read_clock(&self, query: &ReadClockQuery) -> Result<Clock> {
        self.send(query.add_to(Request::new("GET", "/clock"))).json().await
    }

    /// Advance a manual clock. The operations that waited for the new time have gone on before the
    /// response is sent.
    pub async fn advance(&self, body: &AdvanceRequest) -> Result<Clock> {
        self.send(Request::new("POST", "/clock/advance").body(body)).json().await
    }

    /// Keep a clock that advances by itself still, until as many requests to end that. It can still be
    /// advanced.
    pub async fn stop_clock(&self) -> Result<()> {
        self.send(Request::new("POST", "/clock/stop")).nothing().await
    }

    /// Let the clock advance by itself again.
    pub async fn end_clock_stop(&self) -> Result<()> {
        self.send(Request::new("DELETE", "/clock/stop")).nothing().await
    }

    /// How many read sessions follow at the tail of a stream; with `wait`, when there are `count`.
    pub async fn read_readers(&self, query: &ReadReadersQuery) -> Result<Readers> {
        self.send(query.add_to(Request::new("GET", "/readers"))).json().await
    }

    /// A basin as a handle of the test sees it.
    pub async fn look_at_basin(&self, query: &LookAtBasinQuery) -> Result<BasinView> {
        self.send(query.add_to(Request::new("GET", "/look/basin"))).json().await
    }

    /// A stream as a handle of the test sees it; with `wait`, when `readers` read sessions follow at
    /// its tail.
    pub async fn look_at_stream(&self, query: &LookAtStreamQuery) -> Result<StreamView> {
        self.send(query.add_to(Request::new("GET", "/look/stream"))).json().await
    }

    /// All records of a stream, in base64; with `wait`, when there are `count` of them.
    pub async fn look_at_records(&self, query: &LookAtRecordsQuery) -> Result<RecordList> {
        self.send(query.add_to(Request::new("GET", "/look/records"))).json().await
    }

    /// An access token as a handle of the test sees it.
    pub async fn look_at_token(&self, query: &LookAtTokenQuery) -> Result<AccessToken> {
        self.send(query.add_to(Request::new("GET", "/look/token"))).json().await
    }

    /// Take a snapshot of the account; with the file of a snapshot as the body, load that. All accounts
    /// of the server can use it.
    pub async fn take_snapshot(&self, body: Option<&str>) -> Result<Snapshot> {
        self.send(Request::new("POST", "/snapshots").body_text(body)).json().await
    }

    /// A snapshot as its file, which can be loaded again.
    pub async fn get_snapshot(&self, number: u64) -> Result<String> {
        self.send(Request::new("GET", &format!("/snapshots/{number}"))).text("application/jsonl").await
    }

    /// Remove the snapshot from the server.
    pub async fn forget_snapshot(&self, number: u64) -> Result<()> {
        self.send(Request::new("DELETE", &format!("/snapshots/{number}"))).nothing().await
    }

    /// Restore the account to the snapshot. Sessions end.
    pub async fn restore(&self, number: u64) -> Result<()> {
        self.send(Request::new("POST", &format!("/snapshots/{number}/restore"))).nothing().await
    }

    /// Begin an outage of the account: its requests are dropped, those under way and new ones, by
    /// closing the connection on HTTP/1.1 and resetting the stream on HTTP/2. Beginning twice is
    /// harmless.
    pub async fn begin_outage(&self) -> Result<()> {
        self.send(Request::new("POST", "/outage")).nothing().await
    }

    /// End the outage.
    pub async fn end_outage(&self) -> Result<()> {
        self.send(Request::new("DELETE", "/outage")).nothing().await
    }

    /// The exchanges with advice: requests that S2 accepts and that the author of a test hardly means.
    /// Each is returned once.
    pub async fn take_advice(&self, query: &TakeAdviceQuery) -> Result<AdvisedExchanges> {
        self.send(query.add_to(Request::new("POST", "/advice"))).json().await
    }

    /// What the account's requests covered, operation by operation, and what they did not.
    pub async fn read_coverage(&self) -> Result<Coverage> {
        self.send(Request::new("GET", "/coverage")).json().await
    }

    /// The page for a person. A browser without the token of --control-token gets it, too: it has no
    /// data in it, and asks for the token.
    pub async fn get_page(&self) -> Result<String> {
        self.send(Request::new("GET", "/")).text("text/html").await
    }

    /// All exchanges in the file that `python -m s2mock drift` reads, without secrets.
    pub async fn export_cassette(&self) -> Result<String> {
        self.send(Request::new("GET", "/journal/cassette")).text("application/jsonl").await
    }

    /// The appends, reads and tail checks of one stream, in the format that S2's own `s2-verification`
    /// checks for linearizability.
    pub async fn export_history(&self, query: &ExportHistoryQuery) -> Result<String> {
        self.send(query.add_to(Request::new("GET", "/journal/history"))).text("application/jsonl").await
    }

    /// One exchange for a person to read, with its secrets redacted.
    pub async fn get_exchange(&self, number: u64) -> Result<ShownExchange> {
        self.send(Request::new("GET", &format!("/journal/{number}"))).json().await
    }

    /// The exchanges in a row each, without their bodies. With `Accept: text/event-stream` they are
    /// sent as events, first the existing ones and then new ones; a session is sent again when it has
    /// gone on.
    pub async fn read_timeline(&self, query: &ReadTimelineQuery) -> Result<Timeline> {
        self.send(query.add_to(Request::new("GET", "/timeline"))).json().await
    }

    /// The exchanges in a row each, without their bodies. With `Accept: text/event-stream` they are
    /// sent as events, first the existing ones and then new ones; a session is sent again when it has
    /// gone on.
    pub async fn read_timeline_events(&self, query: &ReadTimelineQuery) -> Result<Events> {
        self.send(query.add_to(Request::new("GET", "/timeline"))).events().await
    }

    /// The exchanges in a row each, without their bodies. With `Accept: text/event-stream` they are
    /// sent as events, first the existing ones and then new ones; a session is sent again when it has
    /// gone on.
    pub async fn read_timeline_text(&self, query: &ReadTimelineQuery) -> Result<String> {
        self.send(query.add_to(Request::new("GET", "/timeline"))).text("text/plain").await
    }

    /// The clock and what waits on it, the faults, the holds and the hooks, those that the test made in
    /// Python too, and the size of the journal.
    pub async fn read_status(&self) -> Result<Status> {
        self.send(Request::new("GET", "/status")).json().await
    }

    /// Basins and streams, with the members of their configuration that differ from the default.
    pub async fn list_streams(&self, query: &ListStreamsQuery) -> Result<Overview> {
        self.send(query.add_to(Request::new("GET", "/streams"))).json().await
    }

    /// The records of a stream, the removed ones too, as far as the log and the journal have them: the
    /// lifetimes of the streams of that name, oldest first.
    pub async fn read_history(&self, query: &ReadHistoryQuery) -> Result<History> {
        self.send(query.add_to(Request::new("GET", "/streams/records"))).json().await
    }

    /// The page with its present data, in one file that needs no server.
    pub async fn get_report(&self) -> Result<String> {
        self.send(Request::new("GET", "/report")).text("text/html").await
    }

    /// All campaigns that have not ended, with their attempts.
    pub async fn list_campaigns(&self) -> Result<CampaignList> {
        self.send(Request::new("GET", "/campaigns")).json().await
    }

    /// Make a campaign: a sweep of faults, all orders of actors, or crashes of a worker. The client
    /// runs its attempts, one after the other, each on an account of its own.
    pub async fn make_campaign(&self, body: &CampaignRequest) -> Result<NewCampaign> {
        self.send(Request::new("POST", "/campaigns").body(body)).json().await
    }

    /// What the campaign has found: its failures, the shortest first, equal ones once. With `Accept:
    /// text/plain` as text.
    pub async fn report_campaign(&self, number: u64, query: &ReportCampaignQuery) -> Result<CampaignReport> {
        self.send(query.add_to(Request::new("GET", &format!("/campaigns/{number}")))).json().await
    }

    /// What the campaign has found: its failures, the shortest first, equal ones once. With `Accept:
    /// text/plain` as text.
    pub async fn report_campaign_text(&self, number: u64, query: &ReportCampaignQuery) -> Result<String> {
        self.send(query.add_to(Request::new("GET", &format!("/campaigns/{number}")))).text("text/plain").await
    }

    /// End a campaign, and its open attempt with the account of that.
    pub async fn end_campaign(&self, number: u64) -> Result<()> {
        self.send(Request::new("DELETE", &format!("/campaigns/{number}"))).nothing().await
    }

    /// Begin the next attempt, on an account of its own.
    pub async fn begin_attempt(&self, number: u64) -> Result<Option<CampaignAttempt>> {
        self.send(Request::new("POST", &format!("/campaigns/{number}/attempts"))).json_or_nothing().await
    }

    /// An attempt; with `wait`, once the point of a crash is reached or its worker has ended, or once
    /// all actors of an order have ended or cannot go on.
    pub async fn get_attempt(&self, number: u64, attempt: u64, query: &GetAttemptQuery) -> Result<CampaignAttempt> {
        self.send(query.add_to(Request::new("GET", &format!("/campaigns/{number}/attempts/{attempt}")))).json().await
    }

    /// End an attempt with the outcome that the client saw. The answer has the outcome that counts: an
    /// attempt that was not carried out as it should be has failed.
    pub async fn end_attempt(&self, number: u64, attempt: u64, body: &AttemptEnd) -> Result<CampaignAttempt> {
        self.send(Request::new("POST", &format!("/campaigns/{number}/attempts/{attempt}/end")).body(body)).json().await
    }

    /// The worker was stopped at the point of the attempt. All that it still sends is dropped without
    /// effect.
    pub async fn report_crash(&self, number: u64, attempt: u64) -> Result<CampaignAttempt> {
        self.send(Request::new("POST", &format!("/campaigns/{number}/attempts/{attempt}/crashed"))).json().await
    }

    /// An actor has ended; or the worker, by itself.
    pub async fn end_actor(&self, number: u64, attempt: u64, actor: &str) -> Result<CampaignAttempt> {
        let actor = crate::control::encode(actor);
        self.send(Request::new("POST", &format!("/campaigns/{number}/attempts/{attempt}/actors/{actor}/end"))).json().await
    }
}
