//! A token with which clients use the server.
use std::{
    env,
    ffi::OsString,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::error::{Error, Result};

// True while the variables of a token are in the environment of this process.
static IS_EXPORTED: AtomicBool = AtomicBool::new(false);

/// A token with which clients use the server: of an account, an actor, or one that was issued.
#[derive(Clone, Debug)]
pub struct Client {
    url: String,
    token: String,
}

impl Client {
    pub(crate) fn new(url: &str, token: &str) -> Self {
        Self { url: url.to_owned(), token: token.to_owned() }
    }

    /// The server, for HTTP/1.1 and HTTP/2 without TLS.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The access token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The variables that point S2's SDKs and command line to it, for a process that reads them.
    #[must_use]
    pub fn env(&self) -> [(&'static str, &str); 3] {
        [
            ("S2_ACCOUNT_ENDPOINT", &self.url),
            ("S2_BASIN_ENDPOINT", &self.url),
            ("S2_ACCESS_TOKEN", &self.token),
        ]
    }

    /// Set [`env`](Self::env) in this process, for code that reads it by itself, until the result is dropped.
    ///
    /// A process has one environment, so tests that do this cannot run at the same time in one process:
    /// it is an error while the variables of another token are set.
    ///
    /// # Safety
    ///
    /// As for [`std::env::set_var`]: no other thread may read or write the environment at the same time.
    pub unsafe fn use_env(&self) -> Result<EnvGuard> {
        if IS_EXPORTED.swap(true, Ordering::AcqRel) {
            return Err(Error::Usage(
                "the environment has the variables of another account: drop its guard first, and run \
                 tests that call use_env() one after the other"
                    .to_owned(),
            ));
        }
        let before = self.env().map(|(name, _)| (name, env::var_os(name)));
        for (name, value) in self.env() {
            // SAFETY: the caller promises it.
            unsafe { env::set_var(name, value) };
        }
        Ok(EnvGuard { before })
    }
}

/// The variables of a token in the environment of this process. They are taken back when it is dropped.
#[derive(Debug)]
#[must_use = "the variables are taken back when it is dropped"]
pub struct EnvGuard {
    before: [(&'static str, Option<OsString>); 3],
}

impl Drop for EnvGuard {
    fn drop(&mut self) {
        for (name, value) in &self.before {
            // SAFETY: the caller of `use_env` has promised it for as long as this lives.
            match value {
                Some(value) => unsafe { env::set_var(name, value) },
                None => unsafe { env::remove_var(name) },
            }
        }
        IS_EXPORTED.store(false, Ordering::Release);
    }
}

#[cfg(feature = "s2-sdk")]
impl Client {
    /// Return a client of the official SDK.
    pub fn s2(&self) -> Result<s2_sdk::S2> {
        s2_sdk::S2::new(self.s2_config()?).map_err(|error| Error::Usage(error.to_string()))
    }

    /// Return the configuration of such a client, for more options of it.
    pub fn s2_config(&self) -> Result<s2_sdk::types::S2Config> {
        crate::lite::s2_config_for_endpoint(&self.url, &self.token)
    }
}
