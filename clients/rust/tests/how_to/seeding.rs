use s2mock::{
    AccountOptions, BasinResource, S2Mock, StreamResource, StreamSeedConfig, types::BasinSeedConfig,
};

use super::shop::{Outcome, orders_of, read, ship};

#[tokio::test]
async fn basins_and_streams_that_exist_from_the_start() -> Outcome {
    let day = StreamSeedConfig::new().retention_policy("1day");
    let basin = BasinResource::new("shop-basin")
        .config(BasinSeedConfig::new().create_stream_on_append(true))
        .streams([StreamResource::new("orders").config(day)]);
    let options = AccountOptions::new().basins([basin]).basin("other-basin", ["a", "b"]);
    let account = S2Mock::shared().await?.account(options).await?;
    assert_eq!(account.streams().await?.count, 3);
    Ok(account.end().await?)
}

#[tokio::test]
async fn records_that_no_test_asked_for() -> Outcome {
    let options = AccountOptions::new().basin("shop-basin", ["orders"]);
    let account = S2Mock::shared().await?.account(options).await?;
    // A direct call of the test: in no journal, and met by no fault.
    account.stream("shop-basin", "orders").append(["tea", "cake"]).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea", "cake"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn accounts_that_start_from_a_snapshot() -> Outcome {
    let s2 = S2Mock::shared().await?;
    let options = AccountOptions::new().basin("shop-basin", ["orders"]);
    let account = s2.account(options).await?;
    ship(&account, &["tea"]).await?;
    let snapshot = account.snapshot().await?;
    account.end().await?;

    let account = s2.account(AccountOptions::new().snapshot(snapshot.number)).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    let fork = account.fork().await?;
    ship(&fork, &["cake"]).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    Ok(account.end().await?)
}
