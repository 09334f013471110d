use std::time::Duration;

use s2mock::{ClockKind, Fault, Faults, Operation, S2ErrorCode, S2Mock};

use super::shop::{Outcome, connect, orders_of, read, ship_once, shop};

#[tokio::test]
async fn append_whose_answer_is_lost() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    account.inject(Fault::drop().committed(true).on(Operation::Append)).await?;
    ship_once(&account, &["tea"]).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn rate_limit_on_some_streams() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let limit = Fault::fail(S2ErrorCode::RateLimited).retry_after(0.001);
    let injected =
        account.inject(limit.on(Operation::Append).basin("shop-*").stream("ord*").times(2)).await?;
    ship_once(&account, &["tea"]).await?;
    assert_eq!(injected.hits().await?, 2);
    Ok(account.end().await?)
}

#[tokio::test]
async fn one_fault_after_the_other() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    // The first append passes, the second is lost, the third is refused.
    let faults = Faults::in_order([
        None,
        Some(Fault::drop().into()),
        Some(Fault::fail(S2ErrorCode::Unavailable).into()),
    ]);
    account.inject(faults.on(Operation::Append)).await?;
    ship_once(&account, &["tea", "cake"]).await?;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea", "cake"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn slow_answer() -> Outcome {
    let account = S2Mock::shared().await?.account(shop().clock(ClockKind::Manual)).await?;
    let minute = Duration::from_secs(60);
    account.inject(Fault::delay(minute).on(Operation::CheckTail)).await?;
    let orders = orders_of(&account)?;
    let looking = tokio::spawn(async move { orders.check_tail().await });
    account.clock().wait_for_waiters(1).await?;
    account.advance(minute).await?;
    assert_eq!(looking.await??.seq_num, 0);
    Ok(account.end().await?)
}

#[tokio::test]
async fn service_that_is_gone() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let s2 = connect(&account)?;
    let listed = account.outage(s2.list_basins(Default::default())).await?;
    assert!(listed.is_err());
    assert!(s2.list_basins(Default::default()).await.is_ok());
    Ok(account.end().await?)
}
