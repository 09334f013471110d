//! What the tests use: a shop on the official SDK.
#![allow(dead_code)]

use std::time::Duration;

use s2_sdk::{
    S2, S2Stream,
    error::AppendError,
    types::{
        AppendInput, AppendRecord, AppendRecordBatch, ReadFrom, ReadInput, ReadStart, RetryConfig,
    },
};
use s2mock::{AccountOptions, BoxError, Client};

pub type Outcome<T = ()> = Result<T, BoxError>;

/// The options of an account with the stream `orders` in the basin `shop-basin`.
pub fn shop() -> AccountOptions {
    AccountOptions::new().basin("shop-basin", ["orders"])
}

/// Return a client whose retries wait no time.
pub fn connect(client: &Client) -> Outcome<S2> {
    let retry =
        RetryConfig::new().with_min_base_delay(Duration::ZERO).with_max_base_delay(Duration::ZERO);
    Ok(S2::new(client.s2_config()?.with_retry(retry))?)
}

pub fn stream_of(client: &Client, name: &str) -> Outcome<S2Stream> {
    Ok(connect(client)?.basin("shop-basin".parse()?).stream(name.parse()?))
}

pub fn orders_of(client: &Client) -> Outcome<S2Stream> {
    stream_of(client, "orders")
}

fn input(body: &str) -> Outcome<AppendInput> {
    let records = AppendRecordBatch::try_from_iter([AppendRecord::new(body.to_owned())?])?;
    Ok(AppendInput::new(records))
}

pub async fn append(stream: &S2Stream, body: &str) -> Outcome<u64> {
    Ok(stream.append(input(body)?).await?.start.seq_num)
}

/// Append a record at a sequence number; false if there is one.
pub async fn append_at(stream: &S2Stream, body: &str, seq_num: u64) -> Outcome<bool> {
    match stream.append(input(body)?.with_match_seq_num(seq_num)).await {
        Ok(_) => Ok(true),
        Err(AppendError::ConditionFailed(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub async fn read(stream: &S2Stream) -> Outcome<Vec<String>> {
    if stream.check_tail().await?.seq_num == 0 {
        return Ok(Vec::new());
    }
    let start = ReadStart::new().with_from(ReadFrom::SeqNum(0)).with_clamp_to_tail(true);
    let batch = stream.read(ReadInput::new().with_start(start)).await?;
    let bodies = batch.records.iter().map(|record| record.body.to_vec());
    Ok(bodies.map(String::from_utf8).collect::<Result<_, _>>()?)
}

/// Ship each item, and again when an answer is lost, which the SDK does by itself.
pub async fn ship(client: &Client, items: &[&str]) -> Outcome {
    let stream = orders_of(client)?;
    for item in items {
        append(&stream, item).await?;
    }
    Ok(())
}

/// Ship each item once.
pub async fn ship_once(client: &Client, items: &[&str]) -> Outcome {
    let stream = orders_of(client)?;
    loop {
        let next = stream.check_tail().await?.seq_num;
        let Some(item) = items.get(usize::try_from(next)?) else { return Ok(()) };
        // If its answer is lost, the next look at the tail tells.
        match append_at(&stream, item, next).await {
            Ok(_) => {}
            Err(error) if is_indefinite(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_indefinite(error: &BoxError) -> bool {
    matches!(error.downcast_ref(), Some(AppendError::IndefiniteFailure { .. }))
}

/// Take the seat, if it is free. It looks, and then takes.
pub async fn take(client: &Client, name: &str) -> Outcome {
    let stream = orders_of(client)?;
    if stream.check_tail().await?.seq_num == 0 {
        append(&stream, name).await?;
    }
    Ok(())
}

/// Take the seat, if it is free, in one operation.
pub async fn take_if_free(client: &Client, name: &str) -> Outcome {
    append_at(&orders_of(client)?, name, 0).await.map(drop)
}
