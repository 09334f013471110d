//! Makes one call by the SDK, and prints its result as JSON; see tests/sdk/scenario.py.
use std::{
    env,
    error::Error,
    io::{self, Write},
    num::NonZeroU32,
    time::Duration,
};

use futures_util::StreamExt;
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
    let record = AppendRecord::new(format!("batch-{number}"))?;
    Ok(AppendInput::new(AppendRecordBatch::try_from_iter([record])?))
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
    let made = match given[1].as_str() {
        "append" => unary(&stream).await,
        "session" => session(&stream).await,
        _ => read(&stream, &mut bodies).await,
    };
    let error = made.err().map(|error| error.to_string()).unwrap_or_default();
    print(&json!({"error": error, "bodies": bodies}))
}
