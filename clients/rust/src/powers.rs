//! Faults, holds and hooks of an account.
use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};

use crate::{
    control::Control,
    error::{BoxError, Error, Result, forgive},
    routes::{GetFaultQuery, GetHoldQuery},
    types::{
        Answer, Cut, Delay, Drain, Drop, Exchange, Fail, Fault, FaultRequest, Faults, HoldRequest,
        InjectedFault, Late, Operation, Operations, ReleaseRequest, Silence, Slow,
    },
    views::TIMEOUT,
};

// Seconds after which a hook asks again.
const HOOK_WAIT: f64 = 60.0;

macro_rules! faults {
    ($($fault:ident)*) => {$(
        impl $fault {
            /// Return this fault for the next matching operation, as `inject` takes it.
            pub fn on(self, on: impl Into<Operations>) -> FaultRequest {
                FaultRequest::new(Fault::from(self), on)
            }
        }

        impl From<$fault> for Faults {
            fn from(fault: $fault) -> Self {
                Fault::from(fault).into()
            }
        }
    )*};
}
faults!(Answer Cut Delay Drain Drop Fail Late Silence Slow);

impl Fault {
    /// Return this fault for the next matching operation, as `inject` takes it.
    pub fn on(self, on: impl Into<Operations>) -> FaultRequest {
        FaultRequest::new(self, on)
    }
}

impl Faults {
    /// Return one fault for each matching operation, where `None` lets one pass.
    pub fn in_order(faults: impl IntoIterator<Item = Option<Fault>>) -> Self {
        Self::FaultList(faults.into_iter().collect())
    }

    /// Return these faults for matching operations, as `inject` takes them.
    pub fn on(self, on: impl Into<Operations>) -> FaultRequest {
        FaultRequest::new(self, on)
    }
}

impl FaultRequest {
    /// Affect all matching operations, until it is removed.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = Some(None);
        self
    }
}

impl HoldRequest {
    /// Hold all matching operations, until it is released.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.times = Some(None);
        self
    }
}

impl From<Operation> for HoldRequest {
    fn from(operation: Operation) -> Self {
        Self::new(operation)
    }
}

/// A fault that was injected.
#[derive(Clone, Debug)]
pub struct Injection {
    control: Control,
    number: u64,
}

impl Injection {
    pub(crate) fn new(control: Control, number: u64) -> Self {
        Self { control, number }
    }

    /// Its number in the account.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The state of it now: `hits`, `remaining`, `exchanges`, `complaint`.
    pub async fn state(&self) -> Result<InjectedFault> {
        self.control.get_fault(self.number, &GetFaultQuery::new()).await
    }

    /// The number of operations that it has affected.
    pub async fn hits(&self) -> Result<u64> {
        Ok(self.state().await?.hits)
    }

    /// Wait until it has affected that number of operations, for [`TIMEOUT`] at most, and return them.
    pub async fn wait(&self, hits: u64) -> Result<Vec<Exchange>> {
        self.wait_within(hits, TIMEOUT).await
    }

    /// The same, with a time of real time.
    pub async fn wait_within(&self, hits: u64, timeout: Duration) -> Result<Vec<Exchange>> {
        let query = GetFaultQuery::new().hits(hits).wait(timeout.as_secs_f64());
        Ok(self.control.get_fault(self.number, &query).await?.exchanges)
    }

    /// Affect no more operations; the test no longer fails if it was not used up. Removing twice is harmless.
    pub async fn remove(&self) -> Result<()> {
        forgive(self.control.remove_fault(self.number).await, &[404])
    }
}

/// Operations that are kept waiting at a point.
#[derive(Clone, Debug)]
pub struct Hold {
    control: Control,
    number: u64,
}

impl Hold {
    pub(crate) fn new(control: Control, number: u64) -> Self {
        Self { control, number }
    }

    /// Return which operations to hold, for [`Account::hold`](crate::Account::hold) and `hook`.
    #[must_use]
    pub fn on(on: impl Into<Operations>) -> HoldRequest {
        HoldRequest::new(on)
    }

    /// Its number in the account.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The state of it now: `count`, `released`, `exchanges`, `complaint`.
    pub async fn state(&self) -> Result<crate::types::Hold> {
        self.control.get_hold(self.number, &GetHoldQuery::new()).await
    }

    /// Wait until it holds that number of operations, for [`TIMEOUT`] at most, and return them.
    pub async fn wait(&self, count: u64) -> Result<Vec<Exchange>> {
        self.wait_within(count, TIMEOUT).await
    }

    /// The same, with a time of real time.
    pub async fn wait_within(&self, count: u64, timeout: Duration) -> Result<Vec<Exchange>> {
        let query = GetHoldQuery::new().count(count).wait(timeout.as_secs_f64());
        Ok(self.control.get_hold(self.number, &query).await?.exchanges)
    }

    /// Let all operations go on.
    pub async fn release(&self) -> Result<()> {
        self.control.release(self.number, &ReleaseRequest::new()).await.map(drop)
    }

    /// Let one operation go on.
    pub async fn release_one(&self, exchange: &Exchange) -> Result<()> {
        self.release_as(exchange, None).await
    }

    /// Let one operation go on with a fault.
    pub async fn release_with(
        &self,
        exchange: &Exchange,
        fault: impl Into<Fault> + Send,
    ) -> Result<()> {
        self.release_as(exchange, Some(fault.into())).await
    }

    async fn release_as(&self, exchange: &Exchange, fault: Option<Fault>) -> Result<()> {
        let body = ReleaseRequest { exchange: exchange.held, fault };
        self.control.release(self.number, &body).await.map(drop)
    }
}

/// What the function of a hook may return: nothing, the fault for this operation, or an error.
pub trait HookResult {
    /// Return the fault, if there is one.
    fn into_fault(self) -> Result<Option<Fault>, BoxError>;
}

impl HookResult for () {
    fn into_fault(self) -> Result<Option<Fault>, BoxError> {
        Ok(None)
    }
}

impl<F: Into<Fault>> HookResult for Option<F> {
    fn into_fault(self) -> Result<Option<Fault>, BoxError> {
        Ok(self.map(Into::into))
    }
}

impl<T: HookResult, E: Into<BoxError>> HookResult for Result<T, E> {
    fn into_fault(self) -> Result<Option<Fault>, BoxError> {
        self.map_err(Into::into)?.into_fault()
    }
}

/// A hook: operations wait at a point until its function has returned.
#[derive(Clone, Debug)]
pub struct Hook {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    hold: Hold,
    on: Operations,
    state: Mutex<State>,
    // True when the task has ended.
    ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    exchanges: Vec<Exchange>,
    errors: Vec<String>,
    is_removed: bool,
}

impl Hook {
    /// Begin to call a function. The task ends with the hook, or with the account.
    pub(crate) fn start<F, Answer>(hold: Hold, on: Operations, function: F) -> Self
    where
        F: Fn(Exchange) -> Answer + Send + Sync + 'static,
        Answer: Future<Output: HookResult> + Send + 'static,
    {
        let shared = Arc::new(Shared {
            hold,
            on,
            state: Mutex::default(),
            ended: watch::Sender::new(false),
        });
        let watching = shared.clone();
        tokio::spawn(async move {
            watching.watch(Arc::new(function)).await;
            watching.ended.send_replace(true);
        });
        Self { shared }
    }

    /// The number of operations that its function was called for.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().exchanges.len()
    }

    /// The operations that its function was called for.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.shared.lock().exchanges.clone()
    }

    /// Call the function for no more operations, once the calls in progress have returned.
    pub async fn remove(&self) -> Result<()> {
        self.shared.lock().is_removed = true;
        forgive(self.shared.hold.release().await, &[401, 404, 409])?;
        let mut ended = self.shared.ended.subscribe();
        // The sender is in `self`, so this is no error.
        let _ = ended.wait_for(|ended| *ended).await;
        Ok(())
    }

    /// Why the test fails for it: what its function has returned as an error, or with which text it panicked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let on = serde_json::to_string(&self.shared.on).unwrap_or_default();
        let state = self.shared.lock();
        state.errors.iter().map(|error| format!("a hook on {on} failed: {error}")).collect()
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn watch<F, Answer>(self: &Arc<Self>, function: Arc<F>)
    where
        F: Fn(Exchange) -> Answer + Send + Sync + 'static,
        Answer: Future<Output: HookResult> + Send + 'static,
    {
        let mut calls = JoinSet::new();
        let mut seen = 0;
        loop {
            let query = GetHoldQuery::new().count(seen as u64 + 1).wait(HOOK_WAIT);
            let state = match self.hold.control.get_hold(self.hold.number, &query).await {
                Ok(state) => state,
                Err(Error::WaitTimeout(_)) => continue,
                // The account or the server has ended, which other calls report.
                Err(_) => break,
            };
            for exchange in state.exchanges.into_iter().skip(seen) {
                seen += 1;
                let (shared, function) = (self.clone(), function.clone());
                calls.spawn(async move { shared.call(&*function, exchange).await });
            }
            if state.released {
                break;
            }
        }
        while calls.join_next().await.is_some() {}
    }

    async fn call<F, Answer>(&self, function: &F, exchange: Exchange)
    where
        F: Fn(Exchange) -> Answer,
        Answer: Future<Output: HookResult>,
    {
        let mut fault = None;
        if !self.lock().is_removed {
            self.lock().exchanges.push(exchange.clone());
            let call = async { function(exchange.clone()).await.into_fault() };
            match catch_panic(call).await.map_err(|panic| text_of_panic(&*panic)) {
                Ok(Ok(answer)) => fault = answer,
                Ok(Err(error)) => self.lock().errors.push(error.to_string()),
                Err(text) => self.lock().errors.push(text),
            }
        }
        let has_fault = fault.is_some();
        if let Err(error) = self.hold.release_as(&exchange, fault).await
            && has_fault
        {
            // The fault has no meaning here, and the operation has to go on.
            self.lock().errors.push(error.to_string());
            let _ = self.hold.release_one(&exchange).await;
        }
    }
}

/// Return the result of a future, or what it has panicked with.
pub(crate) async fn catch_panic<F: Future>(
    future: F,
) -> std::result::Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let poll = AssertUnwindSafe(|| future.as_mut().poll(context));
        match std::panic::catch_unwind(poll) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

/// Return the text of a panic.
pub(crate) fn text_of_panic(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
