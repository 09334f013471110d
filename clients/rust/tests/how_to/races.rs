use s2mock::{Client, Exchange, Hold, Operation, S2Mock};

use super::shop::{Outcome, orders_of, read, ship, shop, take_if_free};

#[tokio::test]
async fn reader_sees_nothing_before_the_commit() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let held = account.hold(Operation::Append).await?;
    let client = Client::clone(&account);
    let shipping = tokio::spawn(async move { ship(&client, &["tea"]).await });
    held.wait(1).await?;
    assert!(read(&orders_of(&account)?).await?.is_empty());
    held.release().await?;
    shipping.await??;
    assert_eq!(read(&orders_of(&account)?).await?, ["tea"]);
    Ok(account.end().await?)
}

#[tokio::test]
async fn another_writer_is_faster() -> Outcome {
    let account = S2Mock::shared().await?.account(shop()).await?;
    let orders = account.stream("shop-basin", "orders");
    let theirs = orders.clone();
    let first = Hold::on(Operation::Append).times(1);
    account
        .hook(first, move |_: Exchange| {
            let theirs = theirs.clone();
            async move { theirs.append(["bob"]).await.map(drop) }
        })
        .await?;
    take_if_free(&account, "ada").await?;
    assert_eq!(orders.bodies().await?, ["bob"]);
    Ok(account.end().await?)
}
