//! Envelopes are sent, and their final status is waited for (TAXII 2.1 §4.3, §5.5).

use super::{Client, ClientError, Found};
use crate::taxii::resource::{Progress, Status};
use bytes::Bytes;
use std::time::Duration;

impl Client {
    /// Sends one envelope and waits for its final status, for so long; tells `again` of each failure after which it tries
    /// again. What was stored by a try whose answer was lost is found there already by the next one.
    pub async fn deliver(
        &self,
        to: &Found,
        body: Bytes,
        (tries, patience): (u32, Duration),
        again: &dyn Fn(&ClientError),
    ) -> Result<Status, ClientError> {
        let mut wait = Duration::from_millis(500);
        let mut tried = 0;
        let mut status = loop {
            tried += 1;
            match self.add(to, body.clone()).await {
                Ok(status) => break status,
                Err(error) if error.is_passing() && tried < tries => {
                    let asked = match &error {
                        ClientError::Refused { retry_after, .. } => *retry_after,
                        _ => None,
                    };
                    again(&error);
                    tokio::time::sleep(asked.unwrap_or(wait).min(Duration::from_secs(60))).await;
                    wait = (wait * 2).min(Duration::from_secs(30));
                }
                Err(error) => return Err(error),
            }
        };
        let (mut pause, mut waited) = (Duration::from_secs(1), Duration::ZERO);
        while status.status == Progress::Pending && !status.awaits_officer() && waited < patience {
            tokio::time::sleep(pause).await;
            waited += pause;
            status = self.status(to, &status.id).await?;
            pause = pause.mul_f32(1.5).min(Duration::from_secs(60));
        }
        Ok(status)
    }
}
