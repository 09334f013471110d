//! An account of the server.
use std::{
    ops::Deref,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;

use crate::{
    campaigns::Attempt,
    client::Client,
    control::Control,
    error::{BoxError, Error, Result, forgive},
    powers::{Hold, Hook, HookResult, Injection},
    routes::{ListStreamsQuery, TakeAdviceQuery},
    types::{
        AccountRequest, BasinName, BasinResource, CampaignReport, CampaignRequest, Coverage,
        CrashCampaign, Exchange, FaultRequest, HoldRequest, Operation, OperationGroups,
        OrdersCampaign, Overview, Permissions, ResourceSet, Status, StreamSeed, SweepCampaign,
    },
    views::{self, BasinHandle, Clock, Journal, Snapshot, StreamHandle},
};

/// The options of an account, which are those of `S2Mock` in Python.
pub type AccountOptions = AccountRequest;

impl AccountOptions {
    /// Add a basin with streams, which are there when the test begins.
    #[must_use]
    pub fn basin(
        mut self,
        name: impl Into<BasinName>,
        streams: impl IntoIterator<Item = impl Into<StreamSeed>>,
    ) -> Self {
        let basin = BasinResource::new(name).streams(streams);
        self.basins.get_or_insert_default().push(basin.into());
        self
    }
}

/// An account of its own on the server: basins, streams, faults, a clock, a journal.
///
/// Call [`end`](Self::end) when the test has passed: it fails for a fault that never fired. If the test
/// panics before, the timeline of the account is printed into its output.
#[derive(Debug)]
#[must_use = "an account is for a test, which ends it"]
pub struct Account {
    client: Client,
    control: Control,
    options: AccountOptions,
    hooks: Mutex<Vec<Hook>>,
    forks: Mutex<Vec<Control>>,
    kind: Kind,
}

/// How an account ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// A test ends it.
    OfTest,
    /// It ends with the account that it is a fork of, if not before.
    Fork,
    /// It ends with its attempt.
    OfAttempt,
    /// It was ended.
    Ended,
}

impl Deref for Account {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Account {
    pub(crate) fn new(server: &Control, token: &str, options: AccountOptions) -> Self {
        Self {
            client: Client::new(server.url(), token),
            control: server.with_token(token),
            options,
            hooks: Mutex::default(),
            forks: Mutex::default(),
            kind: Kind::OfTest,
        }
    }

    /// Return the account of an attempt, which ends with it.
    pub(crate) fn of_attempt(server: &Control, token: &str) -> Self {
        let mut account = Self::new(server, token, AccountOptions::new());
        account.kind = Kind::OfAttempt;
        account
    }

    /// Requests to the control API, for what has no method here.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The options with which it was made.
    #[must_use]
    pub fn options(&self) -> &AccountOptions {
        &self.options
    }

    /// The name that it has on the page and in reports.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.options.name.as_deref()
    }

    /// The exchanges of the account.
    #[must_use]
    pub fn journal(&self) -> Journal {
        Journal::new(self.control.clone())
    }

    /// The clock of the account.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::new(self.control.clone())
    }

    /// Let the next matching operation meet a fault, such as
    /// `Fault::drop().committed(true).on(Operation::Append)`.
    pub async fn inject(&self, fault: impl Into<FaultRequest>) -> Result<Injection> {
        let injected = self.control.inject(&fault.into()).await?;
        Ok(Injection::new(self.control.clone(), injected.number))
    }

    /// Keep the next matching operation waiting at a point, by default at its commit.
    pub async fn hold(&self, operations: impl Into<HoldRequest>) -> Result<Hold> {
        let held = self.control.hold(&operations.into()).await?;
        Ok(Hold::new(self.control.clone(), held.number))
    }

    /// Call a function when a matching operation reaches a point, by default its commit.
    ///
    /// It returns nothing, the fault for this operation (`Option<Fault>`), or a `Result` of these; an error
    /// and a panic fail the test at its end. It is called for all operations, unless `times` says less.
    pub async fn hook<F, Answer>(
        &self,
        operations: impl Into<HoldRequest>,
        function: F,
    ) -> Result<Hook>
    where
        F: Fn(Exchange) -> Answer + Send + Sync + 'static,
        Answer: Future<Output: HookResult> + Send + 'static,
    {
        let mut request = operations.into().hook(true).required(false);
        request.times.get_or_insert(None);
        let hold = self.hold(request.clone()).await?;
        let hook = Hook::start(hold, request.on, function);
        lock(&self.hooks).push(hook.clone());
        Ok(hook)
    }

    /// Advance a manual clock.
    pub async fn advance(&self, by: Duration) -> Result<()> {
        self.clock().advance(by).await.map(drop)
    }

    /// Take a snapshot of the state now.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        let taken = self.control.take_snapshot(None).await?;
        Ok(Snapshot::new(self.control.clone(), &taken))
    }

    /// Go back to a snapshot. The token stays; connections are dropped.
    pub async fn restore(&self, snapshot: &Snapshot) -> Result<()> {
        self.control.restore(snapshot.number).await
    }

    /// Make an account that starts as this one is now. It ends with this one, if not before.
    pub async fn fork(&self) -> Result<Self> {
        let token = self.control.fork().await?.token;
        let mut fork = Self::new(&self.control, &token, self.options.clone());
        fork.kind = Kind::Fork;
        lock(&self.forks).push(fork.control.clone());
        Ok(fork)
    }

    /// Start again as it started; the token stays, faults and holds are gone.
    pub async fn reset(&self) -> Result<()> {
        self.control.reset().await
    }

    /// A basin for direct calls, which are in no journal and meet no fault.
    #[must_use]
    pub fn basin(&self, name: &str) -> BasinHandle {
        BasinHandle::new(self.control.clone(), name)
    }

    /// A stream for direct calls, which are in no journal and meet no fault.
    #[must_use]
    pub fn stream(&self, basin: &str, stream: &str) -> StreamHandle {
        StreamHandle::new(self.control.clone(), basin, stream)
    }

    /// All streams, and their basins.
    pub async fn streams(&self) -> Result<Overview> {
        self.control.list_streams(&ListStreamsQuery::new()).await
    }

    /// Issue an access token.
    pub async fn issue_token(&self, token: &TokenRequest) -> Result<IssuedToken> {
        let document = serde_json::to_value(token).unwrap_or_default();
        let control = self.control.clone();
        let answer =
            views::direct(&control, "POST", "/access-tokens", Some(&document), None).await?;
        let text = answer["access_token"].as_str().ok_or_else(|| views::unexpected(&answer))?;
        let client = Client::new(self.url(), text);
        Ok(IssuedToken { client, control, id: token.id.clone() })
    }

    /// The service is gone, until [`end_outage`](Self::end_outage).
    pub async fn begin_outage(&self) -> Result<()> {
        self.control.begin_outage().await
    }

    /// The service is back.
    pub async fn end_outage(&self) -> Result<()> {
        self.control.end_outage().await
    }

    /// The service is gone while a future runs.
    pub async fn outage<T>(&self, during: impl Future<Output = T>) -> Result<T> {
        self.begin_outage().await?;
        let value = during.await;
        self.end_outage().await?;
        Ok(value)
    }

    /// Run a scenario with each fault at each matching operation. Attempts have the options of this account.
    pub async fn sweep<E: Into<BoxError>>(
        &self,
        plan: SweepCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// Run a scenario in each order of its actors. Attempts have the options of this account.
    pub async fn orders<E: Into<BoxError>>(
        &self,
        plan: OrdersCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// Run a scenario with a crash at each point. Attempts have the options of this account.
    pub async fn crashes<E: Into<BoxError>>(
        &self,
        plan: CrashCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// Run a scenario in each attempt of a campaign. Attempts have the options of this account.
    pub async fn campaign<E: Into<BoxError>>(
        &self,
        plan: impl Into<CampaignRequest>,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        let mut plan = plan.into();
        let options = match &mut plan {
            CampaignRequest::Sweep(plan) => &mut plan.options,
            CampaignRequest::Orders(plan) => &mut plan.options,
            CampaignRequest::Crash(plan) => &mut plan.options,
        };
        // Attempts have names of their own.
        options.get_or_insert_with(|| AccountOptions { name: None, ..self.options.clone() });
        crate::campaigns::run(&self.control.without_token(), plan, scenario).await
    }

    /// Exchanges with advice that was not taken yet: requests that S2 accepts and that are probably mistakes.
    pub async fn advice(&self) -> Result<Vec<Exchange>> {
        Ok(self.control.take_advice(&TakeAdviceQuery::new()).await?.exchanges)
    }

    /// What the requests of the account have covered, and what they have not.
    pub async fn coverage(&self) -> Result<Coverage> {
        self.control.read_coverage().await
    }

    /// What is going on: the clock, its waiters, faults, holds, hooks.
    pub async fn status(&self) -> Result<Status> {
        self.control.read_status().await
    }

    /// Write the page of the account into a file, for a person to read after the test.
    pub async fn save_page(&self, path: impl AsRef<Path>) -> Result<()> {
        views::write(path.as_ref(), &self.control.get_report().await?)
    }

    /// Return the text for the report of a failed test.
    ///
    /// It has the timeline, what the test has not used, and what was applied late and never landed, which
    /// is dropped.
    pub async fn report(&self) -> Result<String> {
        let hooks = lock(&self.hooks).clone();
        whole_report(&self.control, self.name(), &hooks).await
    }

    /// Return why the test fails if it ends now: faults that never fired, holds that nothing reached, hooks
    /// that failed.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        let hooks = lock(&self.hooks).clone();
        complaints_of(&self.control, &hooks).await
    }

    /// End the account: its sessions, connections and holds, its forks, its hooks.
    ///
    /// It is an [`Error::Unused`] for a fault that never fired, a hold that nothing reached and a hook that
    /// failed.
    pub async fn end(mut self) -> Result<()> {
        let hooks = std::mem::take(&mut *lock(&self.hooks));
        for hook in &hooks {
            hook.remove().await?;
        }
        let complaints = complaints_of(&self.control, &hooks).await?;
        self.finish().await?;
        if complaints.is_empty() { Ok(()) } else { Err(Error::Unused(complaints.join("\n"))) }
    }

    /// End the account of a test that has failed, and return its report.
    pub(crate) async fn end_failed(mut self) -> Result<String> {
        let report = self.report().await;
        self.finish().await?;
        report
    }

    /// End the account, without a look at what was not used.
    async fn finish(&mut self) -> Result<()> {
        let kind = std::mem::replace(&mut self.kind, Kind::Ended);
        let forks = std::mem::take(&mut *lock(&self.forks));
        for fork in forks {
            forgive(fork.end_account().await, &[401])?;
        }
        if matches!(kind, Kind::OfAttempt | Kind::Ended) {
            return Ok(());
        }
        forgive(self.control.end_account().await, &[401])
    }
}

impl Drop for Account {
    /// Print the report of a test that fails. It is in the output of the test, since this thread prints it.
    fn drop(&mut self) {
        let is_silent = match self.kind {
            Kind::Ended | Kind::OfAttempt => return,
            Kind::Fork => !std::thread::panicking(),
            Kind::OfTest => false,
        };
        let hooks = std::mem::take(&mut *lock(&self.hooks));
        let forks = std::mem::take(&mut *lock(&self.forks));
        let (control, name) = (self.control.clone(), self.name().map(ToOwned::to_owned));
        // The runtime of the test cannot be waited for here, so a thread has one of its own.
        let reporting = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let report = if is_silent {
                    None
                } else {
                    Some(whole_report(&control, name.as_deref(), &hooks).await)
                };
                for fork in forks {
                    let _ = fork.end_account().await;
                }
                let _ = control.end_account().await;
                report.map(|report| {
                    report.unwrap_or_else(|error| format!("s2mock has no report: {error}"))
                })
            })
        });
        if let Ok(Some(report)) = reporting.join() {
            eprintln!("\n{report}");
        }
    }
}

async fn whole_report(control: &Control, name: Option<&str>, hooks: &[Hook]) -> Result<String> {
    let complaints = complaints_of(control, hooks).await?;
    report_of(control, name, complaints).await
}

async fn complaints_of(control: &Control, hooks: &[Hook]) -> Result<Vec<String>> {
    let faults = control.list_faults().await?.faults.into_iter().filter_map(|one| one.complaint);
    let holds = control.list_holds().await?.holds.into_iter().filter_map(|one| one.complaint);
    Ok(faults.chain(holds).chain(hooks.iter().flat_map(Hook::complaints)).collect())
}

async fn report_of(
    control: &Control,
    name: Option<&str>,
    complaints: Vec<String>,
) -> Result<String> {
    let title = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let timeline = Journal::new(control.clone()).timeline().await?;
    let (first, lines) = timeline.split_once('\n').unwrap_or((&timeline, ""));
    let remarks = control.drop_late().await?.remarks;
    let parts = [format!("--- {first}{title} ---"), lines.to_owned()];
    let parts = parts.into_iter().chain(complaints).chain(remarks);
    Ok(parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"))
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An access token to issue: its name, and what it permits. Nothing is permitted that is not named.
#[derive(Clone, Debug, Serialize)]
pub struct TokenRequest {
    id: String,
    scope: TokenScope,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_prefix_streams: Option<bool>,
}

#[derive(Clone, Debug, Serialize)]
struct TokenScope {
    #[serde(skip_serializing_if = "Option::is_none")]
    basins: Option<ResourceSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<ResourceSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_tokens: Option<ResourceSet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ops: Vec<Operation>,
    op_groups: OperationGroups,
}

/// The kinds of operations of a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Permission {
    Read,
    Write,
    ReadAndWrite,
}

impl From<Permission> for Permissions {
    fn from(permission: Permission) -> Self {
        Self { read: permission != Permission::Write, write: permission != Permission::Read }
    }
}

impl ResourceSet {
    /// Return the set of the names that begin so; all with an empty text.
    #[must_use]
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), exact: None }
    }

    /// Return the set of one name.
    #[must_use]
    pub fn of(name: impl Into<String>) -> Self {
        Self { exact: Some(name.into()), prefix: None }
    }
}

impl TokenRequest {
    /// Return one that permits nothing.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        let none = Permissions { read: false, write: false };
        let op_groups =
            OperationGroups { account: none.clone(), basin: none.clone(), stream: none };
        let scope = TokenScope {
            basins: None,
            streams: None,
            access_tokens: None,
            ops: Vec::new(),
            op_groups,
        };
        Self { id: id.into(), scope, expires_at: None, auto_prefix_streams: None }
    }

    /// Permit these basins.
    #[must_use]
    pub fn basins(mut self, names: ResourceSet) -> Self {
        self.scope.basins = Some(names);
        self
    }

    /// Permit these streams.
    #[must_use]
    pub fn streams(mut self, names: ResourceSet) -> Self {
        self.scope.streams = Some(names);
        self
    }

    /// Permit these access tokens.
    #[must_use]
    pub fn access_tokens(mut self, names: ResourceSet) -> Self {
        self.scope.access_tokens = Some(names);
        self
    }

    /// Permit these operations.
    #[must_use]
    pub fn ops(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        self.scope.ops = operations.into_iter().collect();
        self
    }

    /// Permit operations on the account: basins and access tokens.
    #[must_use]
    pub fn on_account(mut self, permission: Permission) -> Self {
        self.scope.op_groups.account = permission.into();
        self
    }

    /// Permit operations on basins: their streams.
    #[must_use]
    pub fn on_basins(mut self, permission: Permission) -> Self {
        self.scope.op_groups.basin = permission.into();
        self
    }

    /// Permit operations on streams: their records.
    #[must_use]
    pub fn on_streams(mut self, permission: Permission) -> Self {
        self.scope.op_groups.stream = permission.into();
        self
    }

    /// Let it end at a time, in the form of RFC 3339, such as `2024-02-01T00:00:00Z`.
    #[must_use]
    pub fn expires_at(mut self, time: impl Into<String>) -> Self {
        self.expires_at = Some(time.into());
        self
    }

    /// Put the prefix of `streams` before the names of streams that its requests have.
    #[must_use]
    pub fn auto_prefix_streams(mut self, is_on: bool) -> Self {
        self.auto_prefix_streams = Some(is_on);
        self
    }
}

/// An access token that an account has issued.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    client: Client,
    control: Control,
    id: String,
}

impl Deref for IssuedToken {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl IssuedToken {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Revoke it.
    pub async fn revoke(&self) -> Result<()> {
        let path = format!("/access-tokens/{}", crate::control::encode(&self.id));
        views::direct(&self.control, "DELETE", &path, None, None).await.map(drop)
    }
}
