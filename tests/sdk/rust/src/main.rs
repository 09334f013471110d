//! Makes one call by the SDK, and prints its result as JSON; see tests/sdk/scenario.py. With `flood`
//! or `overload` it appends more than the limits allow; see tests/sdk/test_rust_overload.py.
use std::{
    env,
    error::Error,
    io::{self, Write},
    num::NonZeroU32,
    time::Duration,
};

use futures_util::{StreamExt, future::try_join_all};
use s2_sdk::{
    S2, S2Stream,
    append_session::AppendSessionConfig,
    types::{
        AppendInput, AppendRecord, AppendRecordBatch, ReadFrom, ReadInput, ReadSessionConfig,
        ReadStart, RetryConfig, S2Config, S2Endpoints,
    },
};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn batch(number: u32) -> Outcome<AppendInput> {
    input(format!("batch-{number}"))
}

fn input(body: String) -> Outcome<AppendInput> {
    Ok(AppendInput::new(AppendRecordBatch::try_from_iter([AppendRecord::new(body)?])?))
}

fn print(result: &Value) -> Outcome<()> {
    let mut out = io::stdout();
    writeln!(out, "{result}")?;
    Ok(out.flush()?)
}

async fn pause(number: u32) -> Outcome<()> {
    if number == 1 && env::args().nth(4).is_some() {
        print(&json!({"paused": true}))?;
        // The session goes on beside it.
        tokio::task::spawn_blocking(|| io::stdin().read_line(&mut String::new())).await??;
    }
    Ok(())
}

async fn unary(stream: &S2Stream) -> Outcome<()> {
    for number in 0..3 {
        pause(number).await?;
        stream.append(batch(number)?).await?;
    }
    Ok(())
}

async fn session(stream: &S2Stream) -> Outcome<()> {
    let opened = stream.append_session(AppendSessionConfig::new());
    for number in 0..3 {
        pause(number).await?;
        opened.submit(batch(number)?).await?.await?;
    }
    Ok(opened.close().await?)
}

/// All at once in one session, as the SDK's defaults allow.
async fn flood(stream: &S2Stream, appends: u64) -> Outcome<()> {
    let opened = stream.append_session(AppendSessionConfig::new());
    let mut tickets = Vec::new();
    for number in 0..appends {
        tickets.push(opened.submit(input(number.to_string())?).await?);
    }
    for (number, ticket) in (0..appends).zip(tickets) {
        let at = ticket.await?.start.seq_num;
        if at != number {
            return Err(format!("{number} is record {at}").into());
        }
    }
    Ok(opened.close().await?)
}

/// Unary appends, more at once than the limits allow, each until it is accepted.
async fn overload(stream: &S2Stream, appends: u64) -> Outcome<()> {
    const WORKERS: u64 = 20;
    let worker = |first: u64| async move {
        for number in (first..appends).step_by(WORKERS as usize) {
            stream.append(input(number.to_string())?).await?;
        }
        Outcome::Ok(())
    };
    try_join_all((0..WORKERS).map(worker)).await?;
    Ok(())
}

async fn read(stream: &S2Stream, bodies: &mut Vec<String>) -> Outcome<()> {
    let input = ReadInput::new().with_start(ReadStart::new().with_from(ReadFrom::SeqNum(0)));
    let mut opened = stream.read_session(input, ReadSessionConfig::new()).await?;
    while bodies.len() < 10
        && let Some(batch) = opened.next().await
    {
        for record in batch?.records {
            bodies.push(String::from_utf8(record.body.to_vec())?);
        }
    }
    Ok(())
}

fn opened(timeout: &str, attempts: &str) -> Outcome<S2Stream> {
    let retry = RetryConfig::new()
        .with_max_attempts(attempts.parse::<NonZeroU32>()?)
        .with_min_base_delay(Duration::from_millis(10))
        .with_max_base_delay(Duration::from_millis(100));
    let config = S2Config::new(env::var("S2_ACCESS_TOKEN")?)
        .with_endpoints(S2Endpoints::from_env()?)
        .with_request_timeout(Duration::from_secs_f64(timeout.parse()?))
        .with_retry(retry);
    Ok(S2::new(config)?.basin("my-basin".parse()?).stream("logs".parse()?))
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let given: Vec<String> = env::args().collect();
    let stream = opened(&given[2], &given[3])?;
    let mut bodies = Vec::new();
    let appends = env::var("APPENDS").map_or(Ok(0), |text| text.parse())?;
    let made = match given[1].as_str() {
        "flood" => flood(&stream, appends).await,
        "overload" => overload(&stream, appends).await,
        "append" => unary(&stream).await,
        "session" => session(&stream).await,
        _ => read(&stream, &mut bodies).await,
    };
    let error = made.err().map(|error| error.to_string()).unwrap_or_default();
    print(&json!({"error": error, "bodies": bodies}))
}
