use std::time::Duration;

use s2mock::{AccountOptions, BasinResource, ClockKind, S2Mock, StreamResource, StreamSeedConfig};

use super::shop::{Outcome, append, read, stream_of};

#[tokio::test]
async fn records_are_gone_after_a_week() -> Outcome {
    let week = StreamSeedConfig::new().retention_policy("7days");
    let stream = StreamResource::new("of-a-week").config(week);
    let basin = BasinResource::new("shop-basin").streams([stream]);
    let options = AccountOptions::new().basins([basin]).clock(ClockKind::Manual);
    let account = S2Mock::shared().await?.account(options).await?;
    let stream = stream_of(&account, "of-a-week")?;

    append(&stream, "tea").await?;
    account.advance(Duration::from_secs(8 * 24 * 3600)).await?;
    append(&stream, "cake").await?;
    assert_eq!(read(&stream).await?, ["cake"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn clock_that_advances_by_itself() -> Outcome {
    let options = AccountOptions::new()
        .basin("shop-basin", ["orders"])
        .clock(ClockKind::Auto)
        .append_latency(Duration::from_secs(3600));
    let account = S2Mock::shared().await?.account(options).await?;
    let before = account.clock().now().await?;
    append(&stream_of(&account, "orders")?, "tea").await?;
    let passed = account.clock().now().await?.duration_since(before)?;
    assert!(passed >= Duration::from_secs(3600));

    // It waits while the test looks.
    let orders = stream_of(&account, "orders")?;
    let appending = tokio::spawn(async move { append(&orders, "cake").await });
    account
        .clock()
        .stopped(async {
            account.clock().wait_for_waiters(1).await?;
            let bodies = account.stream("shop-basin", "orders").bodies().await?;
            assert_eq!(bodies, ["tea"]);
            Outcome::Ok(())
        })
        .await??;
    assert_eq!(appending.await??, 1);
    Ok(account.end().await?)
}
