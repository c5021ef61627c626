//! One fault at a time, with writers and pollers at work.

use crate::dice::{Dice, seed};
use crate::hub::Hub;
use crate::run::{Crowd, Finished, hub, on};
use crate::wire::Outcome;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

const REST: Duration = Duration::from_millis(500);
/// Objects that everybody sees, stored before room runs short; a page of them is read.
/// Streams of dice that nobody else has.
const EARLY: u64 = 1_001;
const LATE: u64 = 1_002;
const READABLE: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_told_to_stop_ends_well_and_loses_nothing() {
    let (started, mut dice) = (Instant::now(), Dice::new(seed(), 1));
    let hub = hub(&mut dice);
    hub.start();
    let crowd = Crowd::start(&hub, &mut dice, REST);
    for _ in 0..3 {
        sleep(Duration::from_millis(dice.range(1_000, 2_500))).await;
        hub.signal("TERM");
        let told = Instant::now();
        let status = hub.wait(Duration::from_secs(40));
        assert!(status.success(), "{status}\n{}", hub.log_tail());
        eprintln!("stopped after {:.1} s", told.elapsed().as_secs_f64());
        hub.start();
    }
    crowd.finish().await.check(&hub, "SIGTERM", started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_works_on_when_it_is_told_to_stop_is_answered() {
    let mut dice = Dice::new(seed(), 7);
    let hub = hub(&mut dice);
    hub.start();
    let mut requests = Vec::new();
    for member in hub.members.iter().filter(|member| member.publishes) {
        let client = hub.client(member);
        let objects: Vec<String> = (0..1_000)
            .map(|_| {
                let marking = crate::hub::LEVELS[0].1;
                format!(r#"{{"type":"url","id":"url--{}","value":"http://x.example/","object_marking_refs":["{marking}"]}}"#, dice.uuid())
            })
            .collect();
        // So that it is only the request itself that the server may be stopped in.
        client.settled("collections/", &[]).await.unwrap();
        let body = format!("{{\"objects\":[{}]}}", objects.join(","));
        requests.push(tokio::spawn(async move { client.add(body).await }));
    }
    sleep(Duration::from_millis(60)).await;
    hub.signal("TERM");
    for request in requests {
        let outcome = request.await.unwrap();
        assert!(
            matches!(&outcome, Outcome::Answer(status) if status["success_count"] == 1_000),
            "{outcome:?}"
        );
    }
    assert!(hub.wait(Duration::from_secs(40)).success());
    hub.tool(&["check", "--config", &hub.config()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_for_a_while_loses_nothing() {
    let (started, mut dice) = (Instant::now(), Dice::new(seed(), 2));
    let hub = hub(&mut dice);
    hub.start();
    let crowd = Crowd::start(&hub, &mut dice, REST);
    for _ in 0..2 {
        sleep(Duration::from_millis(dice.range(1_000, 2_000))).await;
        hub.signal("STOP");
        sleep(Duration::from_secs(3)).await;
        hub.signal("CONT");
    }
    sleep(Duration::from_secs(1)).await;
    crowd.finish().await.check(&hub, "SIGSTOP", started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_whose_application_is_killed_is_the_old_or_the_new() {
    let (started, mut dice) = (Instant::now(), Dice::new(seed(), 3));
    let hub = hub(&mut dice);
    hub.start();
    let crowd = Crowd::start(&hub, &mut dice, REST);
    let show = || hub.tool(&["registry", "show", "--config", &hub.config()]);
    let mut applied = 0;
    for round in 0..20 {
        let before = show();
        let client = format!("[[organisation.client]]\nid = \"late-{round}\"\nrole = \"consumer\"\n");
        let file = hub.dir.join("next.toml");
        std::fs::write(&file, hub.registry(&client)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_liaison"));
        command.args(["registry", "apply", file.to_str().unwrap(), "--config", &hub.config()]);
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        sleep(Duration::from_millis(dice.range(0, 150))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let after = show();
        let is_new = after.contains(&format!("\"late-{round}\""));
        assert!(is_new || after == before, "neither the old nor the new registry:\n{after}");
        applied += usize::from(is_new);
    }
    eprintln!("{applied} of 20 were applied before the kill");
    hub.apply("registry.toml");
    crowd.finish().await.check(&hub, "registry", started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_a_file_size_limit_writing_waits_and_reading_goes_on() {
    let mut dice = Dice::new(seed(), 4);
    let mut hub = hub(&mut dice);
    hub.wrapper = ["prlimit", "--fsize=3000000:unlimited"].map(str::to_owned).to_vec();
    shortage(&hub, &mut dice, "file-size limit", |hub| {
        let pid = hub.pid().to_string();
        run("prlimit", &["--pid", &pid, "--fsize=unlimited"])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_writing_waits_and_reading_goes_on() {
    let mut dice = Dice::new(seed(), 5);
    let mut disk = None;
    let hub = on(&mut dice, |dir| disk = Disk::mount(dir, "4m"));
    let Some(disk) = disk else {
        eprintln!("left out: only root can mount a small disk");
        return;
    };
    shortage(&hub, &mut dice, "full disk", |_| disk.grow("200m")).await;
    drop(hub);
}

/// Publishes until there is no room, reads then, makes room, and checks that all went on.
async fn shortage(hub: &Hub, dice: &mut Dice, what: &str, relieve: impl FnOnce(&Hub) -> bool) {
    let started = Instant::now();
    hub.start();
    // With dice of their own, or they would make objects that the crowd makes too, with other content.
    let writer = |stream| {
        let dice = Dice::new(seed(), stream);
        crate::publisher::Publisher::new(&hub.members[0], hub.client(&hub.members[0]), dice)
    };
    // Something to read, however soon there is no room left.
    let mut early = writer(EARLY);
    early.publish_levels(&[0; READABLE]).await;
    let crowd = Crowd::start(hub, dice, Duration::from_millis(100));
    while !hub.log_has("a commit failed") {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{what}: it never came to that\n{}",
            hub.log_tail()
        );
        sleep(Duration::from_millis(100)).await;
    }
    let reader = hub.client(&hub.members[4]);
    for _ in 0..20 {
        let page = reader.page(&[("limit", "50".to_owned())]).await;
        let found = if let Outcome::Answer(page) = page { page.objects.len() } else { 0 };
        assert_eq!(found, READABLE, "{what}: reading stopped");
        sleep(Duration::from_millis(100)).await;
    }
    assert!(relieve(hub));
    let relieved = Instant::now();
    let mut writer = writer(LATE);
    writer.patience = Duration::from_secs(30);
    writer.publish_levels(&[0]).await;
    eprintln!("{what}: writing again {:.1} s after there was room", relieved.elapsed().as_secs_f64());
    let mut finished: Finished = crowd.finish().await;
    finished.publishers.extend([early, writer]);
    let refused: usize = finished.publishers.iter().map(|publisher| publisher.book.refused_for_now).sum();
    assert!(refused > 0, "{what}: nobody was refused");
    finished.check(hub, what, started).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_steps_to_and_fro_changes_no_order() {
    let (started, mut dice) = (Instant::now(), Dice::new(seed(), 6));
    let Some(library) = faketime() else {
        eprintln!("left out: Debian package faketime is not there");
        return;
    };
    let mut hub = hub(&mut dice);
    let file = hub.dir.join("clock");
    // Never before the certificates were made.
    let set = |seconds: u64| std::fs::write(&file, format!("+{seconds}")).unwrap();
    set(3_600);
    hub.variables = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    hub.start();
    let crowd = Crowd::start(&hub, &mut dice, REST);
    let mut writer = {
        let dice = Dice::new(seed(), EARLY);
        crate::publisher::Publisher::new(&hub.members[0], hub.client(&hub.members[0]), dice)
    };
    writer.patience = Duration::from_secs(30);
    for seconds in [7_200, 3_600, 10_800, 5_000, 1] {
        sleep(Duration::from_millis(dice.range(800, 1_800))).await;
        set(seconds);
        if dice.percent(50) {
            hub.kill();
            hub.start();
        }
        // However slow the machine is, something is published at each time.
        writer.publish_levels(&[0]).await;
    }
    sleep(Duration::from_secs(1)).await;
    let mut finished = crowd.finish().await;
    finished.publishers.push(writer);
    let pages = &finished.pollers[3].pages;
    let hour = |mark: &crate::poller::Mark| {
        time::OffsetDateTime::parse(&mark.last, &time::format_description::well_known::Rfc3339).unwrap()
    };
    let span = hour(&pages[pages.len() - 1]) - hour(&pages[0]);
    assert!(span > time::Duration::minutes(100), "the clock did not step: {span}");
    finished.check(&hub, "clock", started).await;
}

/// The library that lets a program see another time.
fn faketime() -> Option<PathBuf> {
    let found = std::fs::read_dir("/usr/lib").ok()?.flatten();
    found.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// A small file system in memory.
struct Disk(PathBuf);

impl Disk {
    fn mount(dir: &Path, size: &str) -> Option<Self> {
        let mounted =
            run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", dir.to_str().unwrap()]);
        mounted.then(|| Self(dir.to_owned()))
    }

    fn grow(&self, size: &str) -> bool {
        run("mount", &["-o", &format!("remount,size={size}"), self.0.to_str().unwrap()])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["--lazy", self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
