//! Campaigns: a scenario is run again and again, with each fault at each operation, in each order of its
//! actors, or with a crash before and after each effect.
use std::{cell::RefCell, ops::Deref, pin::Pin, rc::Rc};

use crate::{
    account::Account,
    client::Client,
    control::Control,
    error::{BoxError, Error, Result, forgive},
    powers::{catch_panic, text_of_panic},
    routes::{GetAttemptQuery, ReportCampaignQuery},
    types::{
        AttemptEnd, AttemptOutcome, CampaignAttempt, CampaignReport, CampaignRequest,
        CrashCampaign, Fault, Language, Operations, OrdersCampaign, SweepCampaign,
    },
};

/// Each fault at each matching operation, one attempt each, after one without a fault.
pub type Sweep = SweepCampaign;
/// Each order in which the operations of the actors can take effect.
pub type Orders = OrdersCampaign;
/// A stop of the worker before and after each of its matching operations.
pub type Crashes = CrashCampaign;

// Seconds of real time in which a run has to end.
const WAIT: f64 = 30.0;

impl CampaignRequest {
    /// Return the campaign in the JSON of a report, such as the test to paste has.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::Usage(format!("{text} is no campaign: {error}")))
    }
}

impl SweepCampaign {
    /// Return a sweep with these faults at these operations.
    pub fn of(
        faults: impl IntoIterator<Item = impl Into<Fault>>,
        on: impl Into<Operations>,
    ) -> Self {
        Self::new().faults(faults).on(on)
    }
}

impl CrashCampaign {
    /// Return the crashes before and after each of these operations.
    pub fn at(on: impl Into<Operations>) -> Self {
        Self::new().on(on)
    }
}

/// An actor of an attempt, or its worker: its operations are known by its token.
#[derive(Clone, Debug)]
pub struct Actor {
    client: Client,
    name: String,
}

impl Actor {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Deref for Actor {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// One run of the scenario, on an account of its own.
#[derive(Debug)]
pub struct Attempt {
    account: Account,
    // Without a token, since a campaign is the server's.
    server: Control,
    made: CampaignAttempt,
}

impl Deref for Attempt {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Attempt {
    fn new(server: &Control, made: CampaignAttempt) -> Self {
        Self { account: Account::of_attempt(server, &made.token), server: server.clone(), made }
    }

    /// The number of the attempt, from 1 on.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.made.number
    }

    /// What is done in it, such as `a crash before append 2`.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.made.title
    }

    /// Return the actors to run, each with its own token: `attempt.actors().actor("a", place).go()`.
    #[must_use]
    pub fn actors(&self) -> Actors<'_> {
        Actors { attempt: self, running: Vec::new(), errors: Rc::default() }
    }

    /// Run the worker, and drop its future at the point of this attempt; true if it was dropped.
    ///
    /// What it still sends then, as by a task that it has spawned, has no effect.
    pub async fn run<F, Answer, T, E>(&self, work: F) -> Result<bool>
    where
        F: FnOnce(Actor) -> Answer,
        Answer: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let working = self.start("worker", work)?;
        tokio::select! {
            // Answered when the point is reached, or when the worker has ended by itself.
            waited = self.wait() => {
                waited?;
            }
            ended = catch_panic(working) => {
                // Its attempt may have ended with the connection that it has lost.
                forgive(self.end_actor("worker").await, &[404, 409])?;
                if self.look().await?.reached != Some(true) {
                    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
                    return Ok(false);
                }
            }
        }
        let (number, attempt) = self.path();
        // It may have ended before, with the connection that it has lost.
        forgive(self.server.report_crash(number, attempt).await, &[409])?;
        Ok(true)
    }

    fn path(&self) -> (u64, u64) {
        (self.made.campaign, self.made.number)
    }

    async fn wait(&self) -> Result<CampaignAttempt> {
        let (number, attempt) = self.path();
        self.server.get_attempt(number, attempt, &GetAttemptQuery::new().wait(WAIT)).await
    }

    async fn look(&self) -> Result<CampaignAttempt> {
        let (number, attempt) = self.path();
        self.server.get_attempt(number, attempt, &GetAttemptQuery::new()).await
    }

    async fn end_actor(&self, name: &str) -> Result<()> {
        let (number, attempt) = self.path();
        self.server.end_actor(number, attempt, name).await.map(drop)
    }

    fn start<F, Answer, T, E>(
        &self,
        name: &str,
        run: F,
    ) -> Result<impl Future<Output = Result<()>> + use<F, Answer, T, E>>
    where
        F: FnOnce(Actor) -> Answer,
        Answer: Future<Output = Result<T, E>>,
        E: Into<BoxError>,
    {
        let made = self.made.actors.iter().find(|actor| actor.name == name);
        let Some(made) = made else {
            let known = self.made.actors.iter().map(|actor| &*actor.name).collect::<Vec<_>>();
            return Err(Error::Usage(format!(
                "this attempt has no actor {name:?}: there are {}",
                if known.is_empty() { "none".to_owned() } else { known.join(", ") }
            )));
        };
        let name = name.to_owned();
        let client = Client::new(self.server.url(), &made.token);
        let running = run(Actor { client, name: name.clone() });
        Ok(async move {
            let ended = running.await;
            ended.map(drop).map_err(|error| Error::Scenario { name, source: error.into() })
        })
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<()>> + 'a>>;

/// Actors that run at the same time. The server lets their operations go one at a time.
#[must_use = "the actors run with `go`"]
pub struct Actors<'a> {
    attempt: &'a Attempt,
    running: Vec<Result<Running<'a>>>,
    // Those of actors that have ended, for the case that another one does not end.
    errors: Rc<RefCell<Vec<String>>>,
}

impl<'a> Actors<'a> {
    /// Add what an actor does, which is one of the names of the campaign.
    pub fn actor<F, Answer, T, E>(mut self, name: &str, run: F) -> Self
    where
        F: FnOnce(Actor) -> Answer,
        Answer: Future<Output = Result<T, E>> + 'a,
        E: Into<BoxError> + 'a,
        F: 'a,
        T: 'a,
    {
        let attempt = self.attempt;
        let name_of = name.to_owned();
        let errors = self.errors.clone();
        let running = attempt.start(name, run).map(|running| -> Running<'a> {
            Box::pin(async move {
                let ended = catch_panic(running).await;
                if let Ok(Err(error)) = &ended {
                    errors.borrow_mut().push(error.to_string());
                }
                attempt.end_actor(&name_of).await?;
                ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        });
        self.running.push(running);
        self
    }

    /// Run all, and return when all have ended. It is an error if one of them fails.
    pub async fn go(self) -> Result<()> {
        let running = self.running.into_iter().collect::<Result<Vec<_>>>()?;
        let all = join(running);
        let mut all = std::pin::pin!(all);
        // Answered when all have ended. If one does not end, the message says what each waits for.
        tokio::select! {
            ended = &mut all => {
                self.attempt.wait().await?;
                ended
            }
            waited = self.attempt.wait() => match waited?.message {
                Some(message) => {
                    let errors = self.errors.take();
                    let messages = [message].into_iter().chain(errors).collect::<Vec<_>>();
                    Err(Error::Actors(messages.join("; ")))
                }
                None => all.await,
            },
        }
    }
}

/// Return when all have ended, with the first of their errors.
async fn join(mut running: Vec<Running<'_>>) -> Result<()> {
    let mut results = Vec::new();
    std::future::poll_fn(|context| {
        running.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(result) => {
                results.push(result);
                false
            }
            std::task::Poll::Pending => true,
        });
        if running.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    results.into_iter().collect()
}

/// Run the scenario in each attempt of a campaign. It is an [`Error::CampaignFailed`] with the report.
pub(crate) async fn run<S, E>(
    server: &Control,
    mut plan: CampaignRequest,
    scenario: S,
) -> Result<CampaignReport>
where
    S: AsyncFn(&Attempt) -> Result<(), E>,
    E: Into<BoxError>,
{
    let named = match &mut plan {
        CampaignRequest::Sweep(plan) => &mut plan.scenario,
        CampaignRequest::Orders(plan) => &mut plan.scenario,
        CampaignRequest::Crash(plan) => &mut plan.scenario,
    };
    if named.is_none() {
        *named = name_of::<S>();
    }
    let number = server.make_campaign(&plan).await?.number;
    let ran = run_attempts(server, number, scenario).await;
    server.end_campaign(number).await?;
    ran
}

async fn run_attempts<S, E>(server: &Control, number: u64, scenario: S) -> Result<CampaignReport>
where
    S: AsyncFn(&Attempt) -> Result<(), E>,
    E: Into<BoxError>,
{
    while let Some(made) = server.begin_attempt(number).await? {
        let made_number = made.number;
        let attempt = Attempt::new(server, made);
        let end = match failure_of(attempt, &scenario).await {
            None => AttemptEnd::new(AttemptOutcome::Passed),
            Some(message) => AttemptEnd::new(AttemptOutcome::Failed).message(message),
        };
        server.end_attempt(number, made_number, &end).await?;
    }
    let report = server.report_campaign(number, &ReportCampaignQuery::new()).await?;
    if report.passed {
        return Ok(report);
    }
    let query = ReportCampaignQuery::new().language(Language::Rust);
    let text = server.report_campaign_text(number, &query).await?;
    Err(Error::CampaignFailed(text.trim_end().to_owned()))
}

async fn failure_of<S, E>(attempt: Attempt, scenario: &S) -> Option<String>
where
    S: AsyncFn(&Attempt) -> Result<(), E>,
    E: Into<BoxError>,
{
    let failed = match catch_panic(scenario(&attempt)).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.into().to_string()),
        Err(panic) => Some(text_of_panic(&*panic)),
    };
    let Attempt { account, .. } = attempt;
    if failed.is_some() {
        // The report of the campaign has its timeline.
        let _ = account.end_failed().await;
        return failed;
    }
    account.end().await.err().map(|error| error.to_string())
}

/// Return the name of a function, None for a closure.
fn name_of<S>() -> Option<String> {
    let name = std::any::type_name::<S>();
    let last = name.rsplit("::").next().unwrap_or_default();
    let is_name = last.chars().all(|one| one.is_alphanumeric() || one == '_') && !last.is_empty();
    is_name.then(|| last.to_owned())
}
