//! A server, on which each test makes an account of its own.
use std::{env, path::Path, thread};

use tokio::sync::OnceCell;

use crate::{
    account::{Account, AccountOptions},
    campaigns::Attempt,
    control::Control,
    error::{BoxError, Error, Result},
    powers::catch_panic,
    process::ServerProcess,
    types::{self, CampaignReport, CampaignRequest, CrashCampaign, OrdersCampaign, SweepCampaign},
    views::Snapshot,
};

static SHARED: OnceCell<S2Mock> = OnceCell::const_new();

/// How to start a server, or which one to use.
#[derive(Clone, Debug, Default)]
pub struct StartOptions {
    url: Option<String>,
    control_token: Option<String>,
    arguments: Vec<String>,
}

impl StartOptions {
    /// Return the options of [`S2Mock::start`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Use the server at this address, by default that in `S2MOCK_URL`.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// The token of a server that was started with `--control-token`, by default that in
    /// `S2MOCK_CONTROL_TOKEN`.
    #[must_use]
    pub fn control_token(mut self, token: impl Into<String>) -> Self {
        self.control_token = Some(token.into());
        self
    }

    /// More options of the command line, such as `--deletion-delay` and `1`, for a server that is started.
    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }
}

/// A server, on which each test makes an account of its own.
#[derive(Debug)]
pub struct S2Mock {
    control: Control,
    process: Option<ServerProcess>,
}

impl S2Mock {
    /// Use the server at `S2MOCK_URL`, else start the executable in `S2MOCK_BIN`, else `s2mock` on the PATH,
    /// else `python -m s2mock`. A server that is started ends with this value, and with this process.
    pub async fn start() -> Result<Self> {
        Self::start_with(StartOptions::new()).await
    }

    /// Return the one server of this process, which the first call starts: one for all tests of a binary.
    pub async fn shared() -> Result<&'static Self> {
        SHARED.get_or_try_init(Self::start).await
    }

    /// The same as [`start`](Self::start), with options.
    pub async fn start_with(options: StartOptions) -> Result<Self> {
        let url = options.url.or_else(|| variable("S2MOCK_URL"));
        let token = options.control_token.or_else(|| variable("S2MOCK_CONTROL_TOKEN"));
        if let Some(url) = url {
            let control = Control::new(&url, token.as_deref())?;
            check(&control).await?;
            return Ok(Self { control, process: None });
        }
        let mut arguments = vec!["--accounts-only".to_owned()];
        arguments
            .extend(token.iter().flat_map(|token| ["--control-token".to_owned(), token.clone()]));
        arguments.extend(options.arguments);
        let process = ServerProcess::start(&arguments).await?;
        let control = Control::new(&process.url, token.as_deref())?;
        Ok(Self { control, process: Some(process) })
    }

    /// Requests to the control API, for what has no method here.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The address of the server, for HTTP/1.1 and HTTP/2 without TLS.
    #[must_use]
    pub fn url(&self) -> &str {
        self.control.url()
    }

    /// The variables with which other processes use this server.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, &str)> {
        let token = self.control.control_token().map(|token| ("S2MOCK_CONTROL_TOKEN", token));
        [("S2MOCK_URL", self.url())].into_iter().chain(token).collect()
    }

    /// Make an account, with the name of this test. Tests that run at the same time have one each.
    pub async fn account(&self, mut options: AccountOptions) -> Result<Account> {
        if options.name.is_none() {
            options.name = name_of_test();
        }
        let token = self.control.make_account(&options).await?.token;
        Ok(Account::new(&self.control, &token, options))
    }

    /// Run a test on an account of its own, and end the account.
    ///
    /// If the test fails, the timeline is printed into its output; if it passes, an unused fault or hold
    /// fails it.
    pub async fn run<T, E: From<Error>>(
        &self,
        options: AccountOptions,
        test: impl AsyncFnOnce(&Account) -> Result<T, E>,
    ) -> Result<T, E> {
        let account = self.account(options).await?;
        match catch_panic(test(&account)).await {
            Ok(Ok(value)) => {
                account.end().await?;
                Ok(value)
            }
            Ok(Err(error)) => {
                drop(account);
                Err(error)
            }
            Err(panic) => {
                drop(account);
                std::panic::resume_unwind(panic)
            }
        }
    }

    /// All accounts of the server.
    pub async fn list(&self) -> Result<Vec<types::Account>> {
        Ok(self.control.list_accounts().await?.accounts)
    }

    /// Load a snapshot from a file, for the option `snapshot` (its number) or for `restore`.
    pub async fn load(&self, path: impl AsRef<Path>) -> Result<Snapshot> {
        Snapshot::load(&self.control, path.as_ref()).await
    }

    /// Load a snapshot from the text of one.
    pub async fn load_text(&self, text: &str) -> Result<Snapshot> {
        Snapshot::parse(&self.control, text).await
    }

    /// Run a scenario in each attempt of a campaign. It is an [`Error::CampaignFailed`] if one fails.
    pub async fn campaign<E: Into<BoxError>>(
        &self,
        plan: impl Into<CampaignRequest>,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        crate::campaigns::run(&self.control, plan.into(), scenario).await
    }

    /// Run a scenario with each fault at each matching operation.
    pub async fn sweep<E: Into<BoxError>>(
        &self,
        plan: SweepCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// Run a scenario in each order in which the operations of its actors can take effect.
    pub async fn orders<E: Into<BoxError>>(
        &self,
        plan: OrdersCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// Run a scenario with a crash of its worker before and after each effect.
    pub async fn crashes<E: Into<BoxError>>(
        &self,
        plan: CrashCampaign,
        scenario: impl AsyncFn(&Attempt) -> Result<(), E>,
    ) -> Result<CampaignReport> {
        self.campaign(plan, scenario).await
    }

    /// End the server, if it was started here. Stopping twice is harmless.
    pub fn stop(&self) {
        if let Some(process) = &self.process {
            process.stop();
        }
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Return the name of the test that runs now, as the test harness tells it.
pub(crate) fn name_of_test() -> Option<String> {
    // The harness gives its threads the names of their tests.
    let thread = thread::current();
    let name = thread.name().filter(|name| *name != "main" && !name.starts_with("tokio-"));
    // `cargo nextest` runs each test in a process of its own, with its name.
    let exact = || {
        let mut arguments = env::args().skip(1);
        let has_name = env::args().any(|argument| argument == "--exact");
        arguments.find(|argument| !argument.starts_with('-')).filter(|_| has_name)
    };
    name.map(ToOwned::to_owned).or_else(exact)
}

async fn check(control: &Control) -> Result<()> {
    let url = control.url();
    let failed = |why: String| {
        Error::Start(format!(
            "there is no s2mock at S2MOCK_URL={url}: {why}. Start one there, or unset S2MOCK_URL to start \
             the executable"
        ))
    };
    match control.index().await {
        Ok(_) => Ok(()),
        Err(error) => Err(failed(error.to_string())),
    }
}
