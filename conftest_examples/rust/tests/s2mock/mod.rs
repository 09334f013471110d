//! The powers of s2mock, for `cargo test`. Copy this file into your tests.
//!
//! The server is the one that the environment names: `python -m s2mock run -- cargo test` starts
//! one. Each test takes an account of its own there, so that tests run in parallel.
use std::{env, time::Duration};

use s2_sdk::{
    S2,
    types::{RetryConfig, S2Config, S2Endpoints},
};
use serde_json::{Value, json};
use ureq::{Agent, http::Request};

/// An account. It ends with the test, and fails it where a fault never fired.
pub struct S2Mock {
    url: String,
    token: String,
}

impl S2Mock {
    /// Options are those of the account: basins, clock, deletion_delay, snapshot and others.
    pub fn account(options: Value) -> Self {
        let url = env::var("S2_ACCOUNT_ENDPOINT").unwrap_or("http://127.0.0.1:8080".into());
        let first = Self { url: url.clone(), token: String::new() };
        let token = first.call("POST", "/accounts", options)["token"].as_str().unwrap().into();
        Self { url, token }
    }

    /// A client of this account. Retries wait no time.
    pub fn client(&self) -> S2 {
        let retry = RetryConfig::new()
            .with_min_base_delay(Duration::ZERO)
            .with_max_base_delay(Duration::ZERO);
        let endpoints = S2Endpoints::for_endpoint(&self.url).unwrap();
        let config = S2Config::new(&self.token).with_endpoints(endpoints).with_retry(retry);
        S2::new(config).unwrap()
    }

    /// Asks for anything under `/_s2mock`. Null is no body, and no answer.
    pub fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/_s2mock{path}", self.url))
            .header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let mut answer = if body.is_null() {
            agent.run(request.body(()).unwrap())
        } else {
            agent.run(request.body(body.to_string()).unwrap())
        }
        .unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {said}");
        serde_json::from_str(&said).unwrap_or_default()
    }

    /// Lets the next operation of that name meet with the fault.
    pub fn inject(&self, fault: Value, on: &str) {
        self.call("POST", "/faults", json!({"fault": fault, "on": on}));
    }
}

impl Drop for S2Mock {
    fn drop(&mut self) {
        if self.token.is_empty() || std::thread::panicking() {
            return;
        }
        let faults = self.call("GET", "/faults", Value::Null);
        let holds = self.call("GET", "/holds", Value::Null);
        self.call("DELETE", "/accounts", Value::Null);
        let faults = faults["faults"].as_array().unwrap();
        let holds = holds["holds"].as_array().unwrap();
        let unused: Vec<_> =
            faults.iter().chain(holds).filter_map(|one| one["complaint"].as_str()).collect();
        assert!(unused.is_empty(), "{}", unused.join("\n"));
    }
}
