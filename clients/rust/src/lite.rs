//! The interface of the crate `s2-testcontainers`, without a container.
//!
//! A test that has `use s2_testcontainers::S2Lite;` changes that line to `use s2mock::S2Lite;`.
use s2_sdk::{
    S2,
    types::{AccountEndpoint, BasinEndpoint, S2Config, S2Endpoints},
};

use crate::{
    account::{Account, AccountOptions},
    control::Control,
    error::{Error, Result},
    process::ServerProcess,
    server::name_of_test,
};

/// The access token of the client that [`S2Lite::client`] returns.
pub const DEFAULT_ACCESS_TOKEN: &str = "ignored";

/// A server of its own for a test, as `s2 lite` in a container is. It ends with this value.
#[derive(Debug)]
pub struct S2Lite {
    process: ServerProcess,
    control: Control,
    client: S2,
}

impl S2Lite {
    /// Start a server with one account, for which any access token is good.
    pub async fn start() -> Result<Self> {
        let process = ServerProcess::start(&[]).await?;
        let control = Control::new(&process.url, None)?;
        let config = s2_config_for_endpoint(&process.url, DEFAULT_ACCESS_TOKEN)?;
        let client = S2::new(config).map_err(|error| Error::Usage(error.to_string()))?;
        Ok(Self { process, control, client })
    }

    /// The same. There is no image, so the tag is not used.
    pub async fn start_with(_tag: impl Into<String>) -> Result<Self> {
        Self::start().await
    }

    /// The address of the server.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.process.url
    }

    /// Return the configuration of a client with an access token.
    pub fn config(&self, access_token: impl Into<String>) -> Result<S2Config> {
        s2_config_for_endpoint(self.endpoint(), access_token)
    }

    /// Return a client of the server.
    pub fn client(&self) -> Result<S2> {
        Ok(self.client.clone())
    }

    /// Requests to the control API, for the one account of the server.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// Make one more account, with powers, which [`client`](Self::client) never meets.
    pub async fn account(&self, mut options: AccountOptions) -> Result<Account> {
        options.name = options.name.or_else(name_of_test);
        let token = self.control.make_account(&options).await?.token;
        Ok(Account::new(&self.control, &token, options))
    }
}

/// Return the configuration of a client that uses one address for accounts and basins.
pub fn s2_config_for_endpoint(
    endpoint: impl AsRef<str>,
    access_token: impl Into<String>,
) -> Result<S2Config> {
    let endpoint = endpoint.as_ref();
    let refused = |error: s2_sdk::types::ValidationError| Error::Usage(error.to_string());
    let account = AccountEndpoint::new(endpoint).map_err(refused)?;
    let basin = BasinEndpoint::new(endpoint).map_err(refused)?;
    let endpoints = S2Endpoints::new(account, basin).map_err(refused)?;
    Ok(S2Config::new(access_token).with_endpoints(endpoints))
}
