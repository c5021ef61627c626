//! Lists of names as resolvers read them themselves (export formats §9.2).

use super::names::{domains, topmost};
use super::{Class, Files, Format, Input, TEXT, options};
use crate::stix::atom::Kind;
use serde::Deserialize;
use std::fmt::Write;
use std::net::IpAddr;

/// The format for Unbound: a part of its configuration.
pub(super) struct Unbound;

/// The format for dnsmasq: a part of its configuration.
pub(super) struct Dnsmasq;

/// The hosts file: names, not what is below them.
pub(super) struct Hosts;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoOptions {}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HostsOptions {
    /// The address that names get.
    address: IpAddr,
}

impl Default for HostsOptions {
    fn default() -> Self {
        Self { address: IpAddr::from([0; 4]) }
    }
}

impl Format for Unbound {
    fn name(&self) -> &'static str {
        "unbound"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Domain
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let names = topmost(domains(input.rows, files), files);
        let file = format!("{}.conf", input.about.name);
        let mut text = input.header("# ", &file, names.len(), files);
        text.reserve(names.len() * 64);
        text += "server:\n";
        for name in &names {
            _ = writeln!(text, "    local-zone: \"{name}.\" always_nxdomain");
        }
        files.add(file, TEXT, text, names.len());
        Ok(())
    }
}

impl Format for Dnsmasq {
    fn name(&self) -> &'static str {
        "dnsmasq"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Domain
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<NoOptions>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let names = topmost(domains(input.rows, files), files);
        let file = format!("{}.conf", input.about.name);
        let mut text = input.header("# ", &file, names.len(), files);
        text.reserve(names.len() * 40);
        for name in &names {
            _ = writeln!(text, "address=/{name}/");
        }
        files.add(file, TEXT, text, names.len());
        Ok(())
    }
}

impl Format for Hosts {
    fn name(&self) -> &'static str {
        "hosts"
    }

    fn class(&self) -> Class {
        Class::Block
    }

    fn takes(&self, kind: Kind) -> bool {
        kind == Kind::Domain
    }

    fn check(&self, table: &toml::Table) -> Result<(), String> {
        options::<HostsOptions>(table).map(|_| ())
    }

    fn write(&self, input: &Input, files: &mut Files) -> Result<(), String> {
        let choices: HostsOptions = options(input.options)?;
        let names = domains(input.rows, files);
        let file = format!("{}.hosts", input.about.name);
        let mut text = input.header("# ", &file, names.len(), files);
        text.reserve(names.len() * 40);
        for name in &names {
            _ = writeln!(text, "{} {name}", choices.address);
        }
        files.add(file, TEXT, text, names.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::Row;
    use crate::export::format::hostile::{about, abouts, row, rows, text, write};
    use proptest::prelude::*;

    fn some() -> Vec<Row> {
        let names = ["a.bad-login.example", "bad-login.example", "localhost", "other.example"];
        names.map(|name| row(Kind::Domain, name)).to_vec()
    }

    /// The lines behind the header, which must be plain text in lines with an end.
    fn lines(text: &str) -> Vec<&str> {
        assert!(text.starts_with("# liaison export soc-1 ") && text.ends_with('\n'));
        let lines: Vec<&str> = text.lines().skip_while(|line| line.starts_with("# ")).collect();
        assert!(lines.iter().all(|line| line.bytes().all(|b| (b' '..=b'~').contains(&b))));
        lines
    }

    /// A name between what stands before and behind it in a line.
    fn name<'a>(line: &'a str, before: &str, behind: &str) -> &'a str {
        let name = line.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind)).expect("a line");
        let is_part = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let is_label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(is_part);
        assert!(name.len() <= 253 && name.split('.').all(is_label), "{name:?}");
        name
    }

    /// Are these the names of the rows, and is every one missing below another or the machine's own?
    fn is_all(found: &[&str], rows: &[Row], is_with_below: bool) -> bool {
        let is_own = |name: &str| {
            name.rsplit('.').next().is_some_and(|last| last.starts_with("rpz-") || last == "localhost")
        };
        let is_below = |name: &str| found.iter().any(|other| name.ends_with(&format!(".{other}")));
        let mut once = found.to_vec();
        once.sort_unstable();
        once.dedup();
        once.len() == found.len()
            && found.iter().all(|name| rows.iter().any(|row| row.atom.text() == *name))
            && rows.iter().map(|row| row.atom.text()).all(|name| match found.contains(&name) {
                true => !(is_own(name) || is_with_below && is_below(name)),
                false => is_own(name) || name == "localhost.localdomain" || (is_with_below && is_below(name)),
            })
    }

    #[test]
    fn the_examples_of_the_specification_come_out() {
        let files = write(&Unbound, &about(), &some(), "");
        assert_eq!(
            lines(text(&files)),
            [
                "server:",
                "    local-zone: \"other.example.\" always_nxdomain",
                "    local-zone: \"bad-login.example.\" always_nxdomain"
            ]
        );
        assert!(
            text(&files)
                .contains("rows=2  left_out=2 (covered=1 reserved_name=1)  sha256 in soc-1.conf.sha256")
        );
        let files = write(&Dnsmasq, &about(), &some(), "");
        assert_eq!(lines(text(&files)), ["address=/other.example/", "address=/bad-login.example/"]);
        let files = write(&Hosts, &about(), &some(), "");
        assert_eq!(
            lines(text(&files)),
            ["0.0.0.0 a.bad-login.example", "0.0.0.0 bad-login.example", "0.0.0.0 other.example"]
        );
        assert_eq!((&*files.files[0].name, files.files[0].rows), ("soc-1.hosts", 3));
        let files = write(&Hosts, &about(), &some(), "address = '::'");
        assert_eq!(lines(text(&files))[1], ":: bad-login.example");
    }

    #[test]
    fn nothing_makes_files_that_are_valid_too() {
        assert_eq!(lines(text(&write(&Unbound, &about(), &[], ""))), ["server:"]);
        assert!(lines(text(&write(&Dnsmasq, &about(), &[], ""))).is_empty());
        assert!(lines(text(&write(&Hosts, &about(), &[], ""))).is_empty());
    }

    #[test]
    fn options_that_a_format_has_not_are_refused() {
        let options = |text: &str| text.parse().unwrap();
        assert!(Unbound.check(&options("address = '::'")).unwrap_err().contains("address"));
        assert!(Dnsmasq.check(&options("zone = 'x'")).unwrap_err().contains("zone"));
        assert!(
            Hosts.check(&options("address = '0.0.0.0 evil.example'")).unwrap_err().contains("IP address")
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn unbound_gets_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Unbound)) {
            let files = write(&Unbound, &about, &rows, "");
            let lines = lines(text(&files));
            prop_assert_eq!(lines[0], "server:");
            let found = lines[1..].iter().map(|line| name(line, "    local-zone: \"", ".\" always_nxdomain"));
            prop_assert!(is_all(&found.collect::<Vec<_>>(), &rows, true));
        }

        #[test]
        fn dnsmasq_gets_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Dnsmasq)) {
            let files = write(&Dnsmasq, &about, &rows, "");
            let found = lines(text(&files)).into_iter().map(|line| name(line, "address=/", "/"));
            prop_assert!(is_all(&found.collect::<Vec<_>>(), &rows, true));
        }

        #[test]
        fn a_hosts_file_has_what_went_in_and_nothing_else(about in abouts(), rows in rows(&Hosts)) {
            let files = write(&Hosts, &about, &rows, "");
            let found = lines(text(&files)).into_iter().map(|line| name(line, "0.0.0.0 ", ""));
            prop_assert!(is_all(&found.collect::<Vec<_>>(), &rows, false));
        }
    }
}
