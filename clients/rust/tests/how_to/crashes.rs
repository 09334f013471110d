use s2mock::{Actor, Crashes, Operation, S2Mock};

use super::shop::{Outcome, orders_of, read, ship_once, shop};

const ITEMS: [&str; 2] = ["tea", "cake"];

#[tokio::test]
async fn items_are_shipped_once_with_every_crash() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    account
        .crashes(Crashes::at(Operation::Append), async |attempt| {
            // It is stopped before, or after, one of its appends; then the next one starts.
            if attempt.run(async |worker: Actor| ship_once(&worker, &ITEMS).await).await? {
                ship_once(attempt, &ITEMS).await?;
            }
            assert_eq!(read(&orders_of(attempt)?).await?, ITEMS);
            Outcome::Ok(())
        })
        .await?;
    Ok(account.end().await?)
}
