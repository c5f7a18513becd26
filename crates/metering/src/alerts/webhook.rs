//! Tells a receiver of alerts, as Standard Webhooks has it: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature: v1,<base64>` over `id.timestamp.body`.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use sori_contracts::{JobError, JobHandler, RunningJob};
use sori_http::Outgoing;

use super::Notice;
use crate::{AlertSettings, MeteringFault};

/// The kind of the job.
pub const NOTIFY_ALERT: &str = "notify_alert";

/// Sends one notice. Tried again when the receiver cannot take it now.
pub struct NotifyAlert {
    outgoing: Outgoing,
    to: Option<(String, String)>,
}

impl NotifyAlert {
    pub(crate) fn new(outgoing: Outgoing, settings: &AlertSettings) -> Self {
        let to = settings.webhook_url.clone().zip(settings.webhook_secret.clone());
        Self { outgoing, to }
    }
}

#[async_trait]
impl JobHandler for NotifyAlert {
    fn kind(&self) -> &'static str {
        NOTIFY_ALERT
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// The waits between them grow: an hour and more in all.
    fn max_attempts(&self) -> u32 {
        8
    }

    async fn run(&self, job: RunningJob) -> Result<Value, JobError> {
        let notice: Notice = serde_json::from_value(job.payload).map_err(MeteringFault::Order)?;
        // Taken out of the settings after it was ordered.
        let Some((url, secret)) = &self.to else { return Ok(json!({ "sent": false })) };
        let (headers, body) = message(&notice, secret, sori_db::now_ms() / 1_000);
        let answer = self.outgoing.send(Method::POST, url, headers, body).await?;
        match answer.status.as_u16() {
            200..300 => Ok(json!({ "sent": true, "status": answer.status.as_u16() })),
            // Too early, too much at once, or a trouble of its own.
            status @ (408 | 425 | 429 | 500..) => Err(MeteringFault::Refused(status).into()),
            status => Err(MeteringFault::RefusedForGood(status).into()),
        }
    }
}

fn message(notice: &Notice, secret: &str, now_s: i64) -> (HeaderMap, Vec<u8>) {
    let id = notice.id.to_string();
    let body = json!({
        "type": format!("alert.{}", notice.change.as_str()),
        "timestamp": notice.at_ms,
        "data": notice,
    })
    .to_string();
    let signed = signature(secret, &id, now_s, &body);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in
        [("webhook-id", id), ("webhook-timestamp", now_s.to_string()), ("webhook-signature", signed)]
    {
        let value = HeaderValue::from_str(&value).expect("ids, numbers and base64 are header values");
        headers.insert(HeaderName::from_static(name), value);
    }
    (headers, body.into_bytes())
}

/// `v1,` and the base64 of the HMAC-SHA256. The key of `whsec_…` is the base64 behind it, of any other secret its
/// bytes.
///
/// # Panics
/// Never: HMAC takes a key of any length.
#[must_use]
pub fn signature(secret: &str, id: &str, timestamp_s: i64, body: &str) -> String {
    let decoded = secret.strip_prefix("whsec_").and_then(|text| STANDARD.decode(text).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(format!("{id}.{timestamp_s}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_signed_as_the_standard_shows() {
        // The example of the specification (standard-webhooks, spec, "Symmetric signatures").
        let body = r#"{"test": 2432232314}"#;
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            body,
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
