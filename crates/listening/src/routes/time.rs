//! A device's clock, in either of the ways that clients write it.

use serde::Deserialize;
use sori_contracts::Moment;

/// Milliseconds since 1970, or RFC 3339. It may be any number: a clock may be wrong.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(crate) enum ClientTime {
    Ms(i64),
    Text(Moment),
}

impl ClientTime {
    pub(crate) fn ms(self) -> i64 {
        match self {
            Self::Ms(ms) | Self::Text(Moment(ms)) => ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ClientTime;

    #[test]
    fn both_ways_mean_the_same() {
        let read = |json: &str| serde_json::from_str::<ClientTime>(json).map(ClientTime::ms).ok();
        assert_eq!(read("1795252500000"), Some(1_795_252_500_000));
        assert_eq!(read("\"2026-11-21T09:15:00Z\""), Some(1_795_252_500_000));
        assert_eq!(read("-5"), Some(-5));
        for wrong in ["\"yesterday\"", "1.5", "null", "{}", "99999999999999999999"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
