//! Mistakes that do not compile: each line after such a comment, and no other, is an error.
//!
//! `tests/clients/test_rust.py` compiles this with `--cfg mistakes`, and compares the lines.
#![cfg(mistakes)]
#![allow(unused_must_use)]

use s2mock::{
    Account, AccountOptions, ClockKind, Crashes, Fault, Filter, Hold, HoldPoint, Operation, Orders,
    Permission, S2ErrorCode, S2Mock, Sweep, TokenRequest, types,
};

async fn mistakes(s2: &S2Mock, account: &Account) {
    // an option that there is not
    AccountOptions::new().basinn("my-basin", ["orders"]);
    // a clock that there is not
    AccountOptions::new().clock(ClockKind::Manaul);
    // a configuration that a basin does not have
    types::BasinSeedConfig::new().create_on_append(true);
    // a member of a literal that there is not
    let _ = AccountOptions { basin: None, ..AccountOptions::new() };
    // a fault that there is not
    Fault::dorp();
    // an argument that the fault does not have
    Fault::drop().comitted(true);
    // an argument of another fault
    Fault::cut().committed(true);
    // an error code that S2 does not have
    Fault::fail(S2ErrorCode::Unavailible);
    // a text in place of an error code
    Fault::fail("unavailable");
    // an operation that there is not
    Fault::drop().on(Operation::Appends);
    // a member that there is not
    Fault::drop().on(Operation::Append).tims(2);
    // no operation
    account.inject(Fault::drop()).await;
    // a point that an operation does not have
    Hold::on(Operation::Append).at(HoldPoint::Comit);
    // a hold in place of a fault
    account.inject(Hold::on(Operation::Append)).await;
    // a fault that there is not, from a hook
    account.hook(Operation::Append, async |_| Some(Fault::dorp())).await;
    // a hook that returns no fault
    account.hook(Operation::Append, async |_| 3).await;
    // a filter that there is not
    Filter::new().straem("orders");
    // a member that an exchange does not have
    account.journal().all().await.unwrap()[0].respnse;
    // a member that a sweep does not have
    Sweep::of([Fault::from(Fault::drop())], Operation::Append).max_runs(3);
    // orders without actors
    Orders::new();
    // a crash at a fault
    Crashes::at(Fault::drop());
    // a permission that there is not
    TokenRequest::new("a").on_streams(Permission::Reed);
    // a number without a unit
    account.advance(60).await;
    // a campaign of another kind
    s2.orders(Sweep::new(), async |_| Ok::<(), s2mock::Error>(())).await;
}
