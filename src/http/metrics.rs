//! What monitoring reads: `/metrics` on the operator's listener, in the text format of Prometheus.

use super::App;
use super::admin::ClientReport;
use super::freshness::clients;
use crate::freshness::Delays;
use crate::stix::Timestamp;
use crate::store::Error;
use crate::sync::keep::word;
use crate::sync::state::State;
use actix_web::{HttpResponse, web};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

pub(super) async fn metrics(app: web::Data<App>) -> HttpResponse {
    let shared = app.clone();
    // Jobs have their states in files.
    let found =
        app.store.read(move |_| encode(Found::of(&shared)).map_err(|e| Error::Backend(e.to_string())));
    match found.await {
        Ok(text) => HttpResponse::Ok().content_type(TEXT).body(text),
        Err(error) => {
            tracing::error!(%error, "no metrics");
            HttpResponse::InternalServerError().body("no metrics: see the log\n")
        }
    }
}

/// Everything that is told, as it was found.
#[derive(Debug)]
struct Found {
    started: Timestamp,
    is_writable: bool,
    certificate_until: i64,
    crl_until: i64,
    collections: Vec<Counted>,
    clients: Vec<ClientReport>,
    sent: BTreeMap<Arc<str>, Delays>,
    fetched: BTreeMap<Arc<str>, Delays>,
    jobs: Vec<Job>,
}

/// A collection, how many versions it has, and when the last was added.
type Counted = (String, u64, Timestamp);

/// A sync job, and how it is in a word.
#[derive(Debug)]
struct Job {
    id: String,
    word: &'static str,
    state: State,
}

impl Found {
    fn of(app: &App) -> Self {
        let memory = app.store.memory();
        let now = app.clock.now();
        let jobs = app.syncs.jobs.iter().map(|(job, _)| {
            let state = State::read(&app.syncs.state, &job.id).unwrap_or_default();
            Job { id: job.id.clone(), word: word(&state, job, now), state }
        });
        Self {
            started: app.started,
            is_writable: memory.is_writable(),
            certificate_until: app.identity.not_after(),
            crl_until: app.trust.load().crl_until(),
            collections: memory.counts(),
            clients: clients(app),
            sent: memory.arrivals(),
            fetched: app.freshness.lock().fetched().clone(),
            jobs: jobs.collect(),
        }
    }
}

fn encode(found: Found) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("liaison");
    registry.register_collector(Box::new(found));
    let mut text = String::new();
    prometheus_text::encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Found {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        let to = &mut encoder;
        let version = Some([("version", env!("CARGO_PKG_VERSION"))]);
        gauges(to, ("build", "The version; always 1."), [(version, 1.0)])?;
        let is_writable = f64::from(u8::from(self.is_writable));
        for (name, help, value) in [
            ("start_time_seconds", "When the server started.", seconds(self.started)),
            ("writable", "0 once nothing can be stored until a restart.", is_writable),
            (
                "certificate_expiry_time_seconds",
                "Until when the server certificate is valid.",
                whole(self.certificate_until),
            ),
            (
                "crl_expiry_time_seconds",
                "When the revocation list must have been replaced.",
                whole(self.crl_until),
            ),
        ] {
            gauges(to, (name, help), [(None, value)])?;
        }
        self.of_collections(to)?;
        self.of_clients(to)?;
        let help = "From a version's own time (created, modified) to date_added, by who sent it.";
        delays(to, ("publish_delay_seconds", help), &self.sent)?;
        let help = "From date_added to the first fetch by a client of an organisation.";
        delays(to, ("fetch_delay_seconds", help), &self.fetched)?;
        self.of_jobs(to)
    }
}

impl Found {
    fn of_collections(&self, to: &mut DescriptorEncoder) -> fmt::Result {
        let rows = |value: fn(&Counted) -> f64| {
            self.collections.iter().map(move |found| (Some([("collection", found.0.as_str())]), value(found)))
        };
        gauges(to, ("objects", "Object versions kept."), rows(|found| found.1 as f64))?;
        let help = "When the last object was added.";
        gauges(to, ("last_added_time_seconds", help), rows(|found| seconds(found.2)))
    }

    fn of_clients(&self, to: &mut DescriptorEncoder) -> fmt::Result {
        let rows = |value: fn(&ClientReport) -> Option<f64>| {
            let of = self.clients.iter();
            of.filter_map(move |found| Some((Some([("client", found.client.as_str())]), value(found)?)))
        };
        let last = |found: &ClientReport| time(found.last_polled.as_ref());
        gauges(to, ("client_last_poll_time_seconds", "When a client last asked for a page."), rows(last))?;
        let help = "How often it comes, by agreement or by habit.";
        gauges(to, ("client_poll_interval_seconds", help), rows(|found| found.interval_secs.map(whole)))?;
        let help = "1 if it has not polled for three of its intervals.";
        gauges(to, ("client_late", help), rows(|found| Some(f64::from(u8::from(found.late)))))
    }

    fn of_jobs(&self, to: &mut DescriptorEncoder) -> fmt::Result {
        let rows = |value: fn(&Job) -> Option<f64>| {
            self.jobs.iter().filter_map(move |job| Some((Some([("job", job.id.as_str())]), value(job)?)))
        };
        let is_well = |job: &Job| Some(f64::from(u8::from(["well", "new", "off"].contains(&job.word))));
        gauges(to, ("sync_job_well", "0 if it is late, has failed, or waits for a person."), rows(is_well))?;
        let last = |job: &Job| time(job.state.last_success.as_ref());
        gauges(to, ("sync_job_last_success_time_seconds", "When it last came to its end."), rows(last))?;
        count(to, &self.jobs, ("sync_job_received", "Objects that its source has given."), |job| {
            job.total.received
        })?;
        count(to, &self.jobs, ("sync_job_stored", "Those that the target has stored."), |job| {
            job.total.stored
        })?;
        count(to, &self.jobs, ("sync_job_refused", "Those that were refused."), |job| job.total.refused)
    }
}

/// A counter of each job.
fn count(
    to: &mut DescriptorEncoder,
    jobs: &[Job],
    (name, help): (&str, &str),
    value: fn(&State) -> u64,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Counter)?;
    for job in jobs {
        let label = [("job", job.id.as_str())];
        metric.encode_family(&label)?.encode_counter::<NoLabelSet, _, u64>(&value(&job.state), None)?;
    }
    Ok(())
}

/// A metric with a value for each label.
fn gauges<'l>(
    to: &mut DescriptorEncoder,
    (name, help): (&str, &str),
    rows: impl IntoIterator<Item = (Option<[(&'l str, &'l str); 1]>, f64)>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (label, value) in rows {
        match label {
            Some(label) => metric.encode_family(&label)?.encode_gauge(&value)?,
            None => metric.encode_gauge(&value)?,
        }
    }
    Ok(())
}

fn delays(
    to: &mut DescriptorEncoder,
    (name, help): (&str, &str),
    of: &BTreeMap<Arc<str>, Delays>,
) -> fmt::Result {
    let mut metric = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    for (organisation, delays) in of {
        let classes: Vec<(f64, u64)> =
            delays.classes().map(|(bound, count)| (bound.map_or(f64::INFINITY, whole), count)).collect();
        let label = [("organisation", &**organisation)];
        let mut row = metric.encode_family(&label)?;
        row.encode_histogram::<NoLabelSet>(whole(delays.sum_secs()), delays.count(), &classes, None)?;
    }
    Ok(())
}

fn time(text: Option<&String>) -> Option<f64> {
    text.and_then(|text| Timestamp::parse(text)).map(seconds)
}

fn seconds(time: Timestamp) -> f64 {
    time.micros() as f64 / 1e6
}

fn whole(seconds: i64) -> f64 {
    seconds as f64
}

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
