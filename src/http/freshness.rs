//! Who stays away is told to the log; who has come outlasts a restart.

use super::App;
use super::admin::ClientReport;
use crate::freshness::{Kept, Standing};
use actix_web::web;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::sleep;

/// Goes on as long as the server runs.
pub(super) async fn keep(app: web::Data<App>) {
    let mut late = BTreeSet::new();
    let mut saved = app.freshness.lock().kept();
    for round in 1_u64.. {
        sleep(LOOK_EVERY).await;
        forget(&app);
        late = tell(clients(&app), &late);
        let kept = app.freshness.lock().kept();
        if round.is_multiple_of(SAVE_EVERY) && kept != saved {
            write(&app, kept.clone()).await;
            saved = kept;
        }
    }
}

/// Keeps it for the next start.
pub(super) async fn save(app: &App) {
    let kept = app.freshness.lock().kept();
    write(app, kept).await;
}

async fn write(app: &App, kept: Kept) {
    if let Err(error) = app.store.write(move |store| store.keep_freshness(kept)).await {
        tracing::warn!(%error, "who has polled when is not kept; it is tried again");
    }
}

/// Every client that takes part, and how it stands to its interval.
pub(super) fn clients(app: &App) -> Vec<ClientReport> {
    let (directory, now) = (app.directory.load(), app.clock.now());
    let freshness = app.freshness.lock();
    let mut found = Vec::new();
    for organisation in &directory.registry().organisations {
        for client in organisation.clients.iter().filter(|client| !client.revoked) {
            let name = format!("{}/{}", organisation.id, client.id);
            let visits = freshness.visits(&name);
            let standing = match visits {
                Some(visits) => visits.standing(client.poll_minutes, now),
                None => Standing::of_absent(client.poll_minutes, app.started, now),
            };
            found.push(ClientReport {
                client: name,
                last_polled: visits.map(|visits| visits.last().to_string()),
                interval_secs: standing.interval_secs,
                late: standing.is_late,
            });
        }
    }
    found
}

fn forget(app: &App) {
    let directory = app.directory.load();
    let organisations = &directory.registry().organisations;
    app.freshness.lock().retain(|client| {
        let (organisation, client) = client.split_once('/').unwrap_or_default();
        let known = organisations.iter().find(|known| known.id == organisation);
        known.is_some_and(|known| known.clients.iter().any(|known| known.id == client))
    });
}

/// Tells who has become late and who has come back since; who is late now.
fn tell(clients: Vec<ClientReport>, before: &BTreeSet<String>) -> BTreeSet<String> {
    let late: BTreeSet<String> =
        clients.iter().filter(|found| found.late).map(|found| found.client.clone()).collect();
    for found in clients {
        let (is_late, was_late) = (late.contains(&found.client), before.contains(&found.client));
        let (client, interval_secs) = (&found.client, found.interval_secs);
        let last_polled = found.last_polled.as_deref().unwrap_or("never");
        if is_late && !was_late {
            tracing::warn!(client, last_polled, interval_secs, "has not polled for three of its intervals");
        } else if was_late && !is_late {
            tracing::info!(client, last_polled, "polls again");
        }
    }
    late
}

const LOOK_EVERY: Duration = Duration::from_secs(10);
/// In so many rounds: what a crash takes away is when somebody last came, for a minute.
const SAVE_EVERY: u64 = 6;
