use s2_sdk::S2Stream;

use super::shop::append_at;

async fn place(orders: &S2Stream, order: &str) -> Result<(), Box<dyn std::error::Error>> {
    // The condition lets a retry of the SDK place nothing twice; an error of it says so.
    let _ = append_at(orders, order, 0).await;
    Ok(())
}

use s2mock::{AccountOptions, Fault, Operation, S2ErrorCode, S2Mock};

#[tokio::test]
async fn order_is_placed_once() -> Result<(), Box<dyn std::error::Error>> {
    let s2 = S2Mock::shared().await?;
    let account = s2.account(AccountOptions::new().basin("shop-basin", ["orders"])).await?;
    let orders = account.s2()?.basin("shop-basin".parse()?).stream("orders".parse()?);

    let lost = Fault::fail(S2ErrorCode::Unavailable).committed(true);
    account.inject(lost.on(Operation::Append).stream("orders")).await?;
    place(&orders, "tea").await?; // your code, whose first append is written, and answered with an error
    assert_eq!(account.stream("shop-basin", "orders").bodies().await?, ["tea"]);

    account.end().await?;
    Ok(())
}
