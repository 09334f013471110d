//! A test that uses the interface of the crate `s2-testcontainers`, with one line changed.
use s2_sdk::types::{EnsureBasinInput, EnsureStreamInput};
// Before: use s2_testcontainers::S2Lite;
use s2mock::S2Lite;

#[tokio::test]
async fn basin_and_stream_are_ensured() -> Result<(), Box<dyn std::error::Error>> {
    let s2 = S2Lite::start().await?;
    let client = s2.client()?;
    client.ensure_basin(EnsureBasinInput::new("test-basin".parse()?)).await?;
    let basin = client.basin("test-basin".parse()?);
    basin.ensure_stream(EnsureStreamInput::new("test-stream".parse()?)).await?;
    let stream = basin.stream("test-stream".parse()?);
    assert_eq!(stream.check_tail().await?.seq_num, 0);

    // Another client, with another token, sees the same.
    let other = s2_sdk::S2::new(s2.config("another")?)?;
    let stream = other.basin("test-basin".parse()?).stream("test-stream".parse()?);
    assert_eq!(stream.check_tail().await?.seq_num, 0);
    assert!(s2.endpoint().starts_with("http://"));
    Ok(())
}

#[tokio::test]
async fn each_has_a_server_of_its_own() -> s2mock::Result<()> {
    let first = S2Lite::start().await?;
    let second = S2Lite::start_with("0.43.4").await?;
    assert_ne!(first.endpoint(), second.endpoint());
    assert_eq!(first.control().list_accounts().await?.accounts.len(), 1);
    // With powers, beside that of the client.
    let account = first.account(s2mock::AccountOptions::new().basin("test-basin", ["a"])).await?;
    assert_eq!(account.name(), Some("each_has_a_server_of_its_own"));
    assert_eq!(account.streams().await?.count, 1);
    account.end().await
}
