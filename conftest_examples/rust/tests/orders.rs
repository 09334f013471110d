//! All tests at a time, each on an account of its own.

mod s2mock;

use orders::{Orders, Outcome};
use s2mock::S2Mock;
use serde_json::{Value, json};

/// A shop whose clock is turned by hand, and what is tested there.
fn open(stream: Value) -> Outcome<(S2Mock, Orders)> {
    let name = stream["name"].as_str().unwrap_or_default();
    let shop = json!([{"name": "shop-basin", "streams": [stream]}]);
    let s2mock = S2Mock::account(json!({"basins": shop, "clock": "manual"}));
    let orders = Orders::new(&s2mock.client(), "shop-basin", name)?;
    Ok((s2mock, orders))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_answer_is_lost_is_placed_once() -> Outcome<()> {
    for fault in [
        json!({"Drop": {"committed": true, "connection": true}}),
        json!({"Fail": {"code": "unavailable", "committed": true}}),
        json!({"Fail": {"code": "unavailable"}}),
    ] {
        let (s2mock, orders) = open(json!({"name": "orders"}))?;
        s2mock.inject(fault, "append");
        assert_eq!(orders.place("a book").await?, 0);
        assert_eq!(orders.all().await?, ["a book"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_tests_at_a_time_do_not_meet() -> Outcome<()> {
    let (_s2mock, orders) = open(json!({"name": "orders"}))?;
    for order in ["a pen", "a pencil"] {
        orders.place(order).await?;
    }
    assert_eq!(orders.all().await?, ["a pen", "a pencil"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked() -> Outcome<()> {
    let (s2mock, orders) = open(json!({"name": "orders"}))?;
    orders.place("a book").await?;
    let journal = s2mock.call("GET", "/journal?operation=append&wait=5", Value::Null);
    let exchange = &journal["exchanges"][0];
    assert_eq!(exchange["response"]["status"], 200);
    assert_eq!(
        exchange["request"]["document"],
        json!({"records": [{"body": "a book"}], "match_seq_num": 0})
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_held_is_not_there_yet() -> Outcome<()> {
    let (s2mock, orders) = open(json!({"name": "orders"}))?;
    let again = Orders::new(&s2mock.client(), "shop-basin", "orders")?;
    s2mock.call("POST", "/holds", json!({"on": "append", "at": "commit"}));
    let placing = tokio::spawn(async move { again.place("a book").await });
    s2mock.call("GET", "/holds/1?wait=5", Value::Null);
    assert!(orders.all().await?.is_empty());
    s2mock.call("POST", "/holds/1/release", Value::Null);
    assert_eq!(placing.await??, 0);
    assert_eq!(orders.all().await?, ["a book"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_kept_for_a_week_which_passes_at_once() -> Outcome<()> {
    let week = json!({"name": "of-a-week", "config": {"retention_policy": "7days"}});
    let (s2mock, orders) = open(week)?;
    orders.place("a book").await?;
    s2mock.call("POST", "/clock/advance", json!({"seconds": 8 * 24 * 3600}));
    orders.place("a pen").await?;
    assert_eq!(orders.all().await?, ["a pen"]);
    Ok(())
}
