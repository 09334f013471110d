//! Tests that fail, which `tests/clients/test_rust.py` runs to see what their output has.
mod shop;

use s2mock::{Fault, Operation, S2Mock};
use shop::{Outcome, ship_once, shop};

#[tokio::test]
#[ignore = "it fails"]
async fn order_that_panics() {
    let s2 = S2Mock::shared().await.unwrap();
    let account = s2.account(shop()).await.unwrap();
    account.inject(Fault::drop().on(Operation::Append)).await.unwrap();
    ship_once(&account, &["tea"]).await.unwrap();
    panic!("no tea");
}

#[tokio::test]
#[ignore = "it fails"]
async fn order_with_an_error() -> Outcome {
    S2Mock::shared()
        .await?
        .run(shop(), async |account| {
            ship_once(account, &["tea"]).await?;
            Err("no cake".into())
        })
        .await
}

#[tokio::test]
#[ignore = "it fails"]
async fn fault_that_never_fires() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    account.inject(Fault::drop().on(Operation::Append)).await?;
    Ok(account.end().await?)
}
