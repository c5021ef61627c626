//! The volumes of §12.1: time to load, time of a look-up, memory. Run in release, with output shown.

use super::*;
use std::time::Instant;

/// Plain pseudo-random numbers, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 20
    }

    fn address(&mut self) -> String {
        std::net::Ipv4Addr::from_bits(self.next() as u32).to_string()
    }

    fn name(&mut self) -> String {
        let (a, b) = (self.next() % 5000, self.next());
        format!("n{:x}.h{a:x}.{}", b & 0xffff_ffff, ["com", "net", "co.uk", "example"][b as usize % 4])
    }

    fn entry(&mut self, form: &str) -> String {
        match form {
            "cidr" if self.next().is_multiple_of(4) => {
                format!(
                    "2600:{:x}:{:x}::/{}",
                    self.next() & 0xffff,
                    self.next() & 0xffff,
                    32 + self.next() % 32
                )
            }
            "cidr" => format!("{}/{}", self.address(), 12 + self.next() % 21),
            "string" if self.next().is_multiple_of(2) => format!("{:064x}", self.next()),
            "string" => self.address(),
            "hostname" => self.name(),
            "substring" => format!("@{}", self.name()),
            _ => format!(r"/^((\+|00){}|0){}[0-9]{{4}}$/g", self.next() % 100, self.next() % 100_000),
        }
    }
}

/// 80 cidr, 32 string, 19 hostname, 3 substring, 2 regex; 530,000 entries.
fn write(dir: &Path) -> usize {
    let mut numbers = Numbers(7);
    let mut total = 0;
    for (form, lists, entries, attributes) in [
        ("cidr", 80, 1_786, &["ip-src", "ip-dst", "domain|ip"][..]),
        ("string", 32, 9_110, &["ip-dst", "sha256", "filename|sha256", "domain", "url"]),
        ("hostname", 19, 4_541, &["domain", "hostname", "url"]),
        ("substring", 3, 2_790, &["email-src", "email-dst"]),
        ("regex", 2, 17, &["phone-number", "email-src"]),
    ] {
        for number in 0..lists {
            let mut some: Vec<String> = (0..entries).map(|_| numbers.entry(form)).collect();
            some.sort_unstable();
            some.dedup();
            total += some.len();
            let some: Vec<&str> = some.iter().map(String::as_str).collect();
            let mut one = list(form, attributes, &some);
            one["name"] = json!(format!("{form} {number}"));
            std::fs::write(dir.join(format!("{form}-{number}.json")), one.to_string()).unwrap();
        }
    }
    total
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|rest| rest.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn timed(lists: &WarningLists, what: &str, atoms: &[Atom]) -> f64 {
    let mut runs: Vec<f64> = Vec::new();
    let mut hits = 0;
    for _ in 0..9 {
        let start = Instant::now();
        hits = atoms.iter().filter(|atom| lists.verdict(atom).is_some()).count();
        runs.push(start.elapsed().as_secs_f64() * 1e9 / atoms.len() as f64);
    }
    runs.sort_by(f64::total_cmp);
    println!(
        "{what}: verdict min {:.0} ns, median {:.0} ns, {hits} of {} met",
        runs[0],
        runs[4],
        atoms.len()
    );
    runs[4]
}

#[test]
#[ignore = "measures; run in release"]
fn loading_and_looking_up_at_full_volume() {
    let made = tempfile::tempdir().unwrap();
    // Lists of one's own choice may be measured instead.
    let given = option_env!("WARNING_LISTS").map(PathBuf::from);
    let dir = given.as_deref().unwrap_or(made.path());
    if given.is_none() {
        println!("{} entries", write(made.path()));
    }
    let before = resident_kib();
    let mut runs: Vec<f64> = Vec::new();
    let mut kept = None;
    for _ in 0..7 {
        drop(kept.take());
        let start = Instant::now();
        kept = Some(WarningLists::load(Some(dir), &Settings::default()).unwrap());
        runs.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let (lists, warnings) = kept.unwrap();
    runs.sort_by(f64::total_cmp);
    let entries: usize = lists.lists().iter().map(|list| list.entries).sum();
    println!("{} lists, {entries} entries, {warnings:?}", lists.lists().len());
    println!(
        "load: min {:.0} ms, median {:.0} ms; resident {} KiB more",
        runs[0],
        runs[3],
        resident_kib() - before
    );
    let mut numbers = Numbers(99);
    let mut of = |kind, make: &dyn Fn(&mut Numbers) -> String| -> Vec<Atom> {
        (0..20_000).filter_map(|_| Atom::parse(kind, &make(&mut numbers)).ok()).collect()
    };
    let slowest = [
        timed(&lists, "IPv4 address", &of(Kind::Ipv4, &Numbers::address)),
        timed(&lists, "IPv4 network", &of(Kind::Ipv4, &|n| format!("{}/24", n.address()))),
        timed(&lists, "IPv6 address", &of(Kind::Ipv6, &|n| format!("2600:{:x}::1", n.next() & 0xffff))),
        timed(&lists, "domain", &of(Kind::Domain, &Numbers::name)),
        timed(&lists, "URL", &of(Kind::Url, &|n| format!("https://{}/path/{:x}", n.name(), n.next()))),
        timed(&lists, "e-mail", &of(Kind::Email, &|n| format!("u{:x}@{}", n.next() & 0xfff, n.name()))),
        timed(&lists, "SHA-256", &of(Kind::FileSha256, &|n| format!("{:064x}", n.next()))),
        timed(&lists, "phone", &of(Kind::Phone, &|n| format!("+49{:09}", n.next() % 1_000_000_000))),
    ];
    let wide = timed(&lists, "0.0.0.0/0", &[atom(Kind::Ipv4, "0.0.0.0/0")]);
    let start = Instant::now();
    let hits = lists.hits(&atom(Kind::Ipv4, "0.0.0.0/0")).len();
    println!("0.0.0.0/0: {hits} hits in {:.0} us", start.elapsed().as_secs_f64() * 1e6);
    drop(lists);
    // No early end: one list asks for more than all that is met.
    let actions = BTreeMap::from([("regex 0".to_owned(), Action::Block)]);
    let (lists, _) = WarningLists::load(Some(dir), &Settings { actions, ..Settings::default() }).unwrap();
    timed(&lists, "0.0.0.0/0 to the end", &[atom(Kind::Ipv4, "0.0.0.0/0")]);
    timed(&lists, "64.0.0.0/8 to the end", &[atom(Kind::Ipv4, "64.0.0.0/8")]);
    assert!(slowest.iter().all(|nanos| *nanos < 5_000.0) && wide < 1e6);
    assert!(runs[3] < 2_000.0);
}
