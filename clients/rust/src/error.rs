//! Errors of this crate.
use std::{error, fmt, io};

/// Any error, as tests and scenarios return it.
pub type BoxError = Box<dyn error::Error + Send + Sync>;
/// The result of a call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of a call. Its `Debug` is its message, which the test harness prints for a test that fails.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server has refused a request. `status` and `code` are those of its response.
    #[error("{message}")]
    Refused { status: u16, code: String, message: String },
    /// A wait is over without what was awaited. The message lists what arrived instead.
    #[error("{0}")]
    WaitTimeout(String),
    /// There is no answer of a server.
    #[error("s2mock cannot be reached at {url}: {reason}")]
    Unreachable { url: String, reason: String },
    /// There is no executable, or it did not start. The message has what it printed.
    #[error("{0}")]
    Start(String),
    /// A fault that never fired, a hold that nothing reached, or a hook that failed: the test proves nothing.
    #[error("{0}")]
    Unused(String),
    /// A campaign that has failed. The text is its report, with a test to paste.
    #[error("{0}")]
    CampaignFailed(String),
    /// The operations of actors did not end. The message says what each waits for.
    #[error("{0}")]
    Actors(String),
    /// What an actor or a worker of a scenario has returned.
    #[error("{name} failed with {source}")]
    Scenario { name: String, source: BoxError },
    /// A value that cannot be used, such as a second account whose variables are set.
    #[error("{0}")]
    Usage(String),
    /// A file that cannot be read or written.
    #[error("{path}: {source}")]
    File { path: String, source: io::Error },
}

impl Error {
    /// Return the status of the response, if the server has refused the request.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::WaitTimeout(_) => Some(408),
            _ => None,
        }
    }

    pub(crate) fn in_file(path: &std::path::Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { path: path.display().to_string(), source }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

/// Return `Ok` for an error with one of these statuses.
pub(crate) fn forgive<T>(result: Result<T>, statuses: &[u16]) -> Result<()> {
    match result {
        Err(error) if error.status().is_some_and(|status| statuses.contains(&status)) => Ok(()),
        other => other.map(drop),
    }
}
