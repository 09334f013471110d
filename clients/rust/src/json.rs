//! Forms of JSON that Serde's derived code has not.
use serde::{Deserialize, Deserializer};

/// Read a member that may be null, where an absent one means something else.
pub(crate) fn some<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
