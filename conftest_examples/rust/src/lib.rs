//! Orders are kept in a stream, each once.

use std::error::Error;

use s2_sdk::{
    S2, S2Stream,
    error::AppendError,
    types::{AppendInput, AppendRecord, AppendRecordBatch, ReadFrom, ReadInput, ReadStart},
};

pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub struct Orders {
    stream: S2Stream,
}

impl Orders {
    pub fn new(s2: &S2, basin: &str, stream: &str) -> Outcome<Self> {
        let stream = s2.basin(basin.parse()?).stream(stream.parse()?);
        Ok(Self { stream })
    }

    /// Places an order at the end. The condition lets no retry place it twice.
    pub async fn place(&self, order: &str) -> Outcome<u64> {
        let at = self.stream.check_tail().await?.seq_num;
        let records = AppendRecordBatch::try_from_iter([AppendRecord::new(order.to_owned())?])?;
        let input = AppendInput::new(records).with_match_seq_num(at);
        match self.stream.append(input).await {
            Ok(ack) => Ok(ack.start.seq_num),
            Err(error @ AppendError::IndefiniteFailure { .. }) => {
                // It may be ours, with its answer lost.
                match self.all().await?.get(at as usize) {
                    Some(there) if there == order => Ok(at),
                    _ => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    pub async fn all(&self) -> Outcome<Vec<String>> {
        if self.stream.check_tail().await?.seq_num == 0 {
            return Ok(Vec::new());
        }
        let start = ReadStart::new().with_from(ReadFrom::SeqNum(0)).with_clamp_to_tail(true);
        let batch = self.stream.read(ReadInput::new().with_start(start)).await?;
        let bodies = batch.records.iter().map(|record| record.body.to_vec());
        Ok(bodies.map(String::from_utf8).collect::<Result<_, _>>()?)
    }
}
