use s2mock::{Actor, Orders, S2Mock};

use super::shop::{Outcome, orders_of, read, shop, take_if_free};

#[tokio::test]
async fn seat_is_sold_once_in_every_order() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    account
        .orders(Orders::new(["ada", "bob"]), async |attempt| {
            let buy = async |actor: Actor| take_if_free(&actor, actor.name()).await;
            attempt.actors().actor("ada", buy).actor("bob", buy).go().await?;
            assert_eq!(read(&orders_of(attempt)?).await?.len(), 1);
            Outcome::Ok(())
        })
        .await?;
    Ok(account.end().await?)
}
