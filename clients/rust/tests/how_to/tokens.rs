use s2mock::{AccountOptions, Permission, ResourceSet, S2Mock, TokenRequest};

use super::shop::{Outcome, orders_of, read, ship};

#[tokio::test]
async fn token_that_may_only_read_orders() -> Outcome {
    let options = AccountOptions::new().basin("shop-basin", ["orders"]);
    let account = S2Mock::shared().await?.account(options).await?;
    let request = TokenRequest::new("reader")
        .basins(ResourceSet::of("shop-basin"))
        .streams(ResourceSet::with_prefix("ord"))
        .on_streams(Permission::Read);
    let reader = account.issue_token(&request).await?;

    assert!(read(&orders_of(&reader)?).await?.is_empty());
    assert!(ship(&reader, &["tea"]).await.is_err());
    reader.revoke().await?;
    assert!(read(&orders_of(&reader)?).await.is_err());
    Ok(account.end().await?)
}

#[tokio::test]
async fn process_that_reads_the_environment() -> Outcome {
    let options = AccountOptions::new().basin("shop-basin", ["orders"]);
    let account = S2Mock::shared().await?.account(options).await?;
    let shown = std::process::Command::new("sh")
        .args(["-c", "echo $S2_ACCESS_TOKEN"]) // your program
        .envs(account.env())
        .output()?;
    assert_eq!(String::from_utf8(shown.stdout)?.trim(), account.token());
    Ok(account.end().await?)
}
