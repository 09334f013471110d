use s2mock::{Attempt, Error, Fault, Operation, S2ErrorCode, S2Mock, Sweep};

use super::shop::{Outcome, orders_of, read, ship, ship_once, shop};

const ITEMS: [&str; 2] = ["tea", "cake"];

#[tokio::test]
async fn items_are_shipped_once_with_every_fault() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let faults = [
        Fault::from(Fault::fail(S2ErrorCode::Unavailable).committed(true)),
        Fault::drop().committed(true).into(),
        Fault::late().reads(1).into(),
    ];
    account
        .sweep(Sweep::of(faults, Operation::Append), async |attempt| {
            ship_once(attempt, &ITEMS).await?;
            assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
            Outcome::Ok(())
        })
        .await?;
    Ok(account.end().await?)
}

async fn shipment(attempt: &Attempt) -> Outcome {
    ship(attempt, &ITEMS).await?;
    assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
    Ok(())
}

#[tokio::test]
async fn report_has_a_test_to_paste() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let plan = Sweep::of([Fault::from(Fault::drop().committed(true))], Operation::Append);
    let failed = account.sweep(plan, shipment).await;
    let Err(Error::CampaignFailed(report)) = failed else { panic!("it passed") };
    assert!(report.contains("async fn shipment_"));
    Ok(account.end().await?)
}
