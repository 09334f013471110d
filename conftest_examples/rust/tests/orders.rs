//! All tests at a time, each on an account of its own.
use std::time::Duration;

use orders::{Orders, Outcome};
use s2_sdk::{S2, types::RetryConfig};
use s2mock::{
    Account, AccountOptions, Actor, BasinResource, Client, ClockKind, Crashes, Fault, Hold,
    HoldPoint, Operation, S2ErrorCode, S2Mock, StreamResource, StreamSeedConfig, Sweep,
};

/// A shop whose clock is turned by hand.
fn shop() -> AccountOptions {
    let week = StreamSeedConfig::new().retention_policy("7days");
    let streams = [StreamResource::new("orders"), StreamResource::new("of-a-week").config(week)];
    let basin = BasinResource::new("shop-basin").streams(streams);
    AccountOptions::new().basins([basin]).clock(ClockKind::Manual)
}

/// The server is one for all tests of this file.
async fn open() -> Outcome<Account> {
    Ok(S2Mock::shared().await?.account(shop()).await?)
}

fn orders_in(client: &Client, stream: &str) -> Outcome<Orders> {
    // Retries wait no time.
    let retry =
        RetryConfig::new().with_min_base_delay(Duration::ZERO).with_max_base_delay(Duration::ZERO);
    let s2 = S2::new(client.s2_config()?.with_retry(retry))?;
    Orders::new(&s2, "shop-basin", stream)
}

#[tokio::test]
async fn order_whose_answer_is_lost_is_placed_once() -> Outcome<()> {
    let account = open().await?;
    let plan = Sweep::of(
        [
            Fault::drop().committed(true).into(),
            Fault::from(Fault::fail(S2ErrorCode::Unavailable).committed(true)),
            Fault::fail(S2ErrorCode::Unavailable).into(),
        ],
        Operation::Append,
    );
    account
        .sweep(plan, async |attempt| {
            let orders = orders_in(attempt, "orders")?;
            assert_eq!(orders.place("a book").await?, 0);
            assert_eq!(orders.all().await?, ["a book"]);
            Outcome::Ok(())
        })
        .await?;
    Ok(account.end().await?)
}

#[tokio::test]
async fn two_tests_at_a_time_do_not_meet() -> Outcome<()> {
    let account = open().await?;
    let orders = orders_in(&account, "orders")?;
    for order in ["a pen", "a pencil"] {
        orders.place(order).await?;
    }
    assert_eq!(orders.all().await?, ["a pen", "a pencil"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn what_was_asked() -> Outcome<()> {
    let account = open().await?;
    orders_in(&account, "orders")?.place("a book").await?;
    let [exchange] = &account.journal().of(Operation::Append).await?[..] else {
        panic!("there is more than one append");
    };
    assert_eq!(exchange.response.as_ref().map(|response| response.status), Some(200));
    assert_eq!(exchange.request.document["records"][0]["body"], "a book");
    assert_eq!(exchange.request.document["match_seq_num"], 0);
    Ok(account.end().await?)
}

#[tokio::test]
async fn order_that_is_held_is_not_there_yet() -> Outcome<()> {
    let account = open().await?;
    let orders = orders_in(&account, "orders")?;
    let held = account.hold(Hold::on(Operation::Append).at(HoldPoint::Commit)).await?;
    let again = orders_in(&account, "orders")?;
    let placing = tokio::spawn(async move { again.place("a book").await });
    held.wait(1).await?;
    assert!(orders.all().await?.is_empty());
    held.release().await?;
    assert_eq!(placing.await??, 0);
    assert_eq!(orders.all().await?, ["a book"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn orders_are_kept_for_a_week_which_passes_at_once() -> Outcome<()> {
    let account = open().await?;
    let orders = orders_in(&account, "of-a-week")?;
    orders.place("a book").await?;
    account.advance(Duration::from_secs(8 * 24 * 3600)).await?;
    orders.place("a pen").await?;
    assert_eq!(orders.all().await?, ["a pen"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn order_is_placed_at_most_once_with_every_crash() -> Outcome<()> {
    let account = open().await?;
    account
        .crashes(Crashes::at(Operation::Append), async |attempt| {
            let work = async |worker: Actor| orders_in(&worker, "orders")?.place("a book").await;
            attempt.run(work).await?;
            assert!(orders_in(attempt, "orders")?.all().await?.len() <= 1);
            Outcome::Ok(())
        })
        .await?;
    Ok(account.end().await?)
}
