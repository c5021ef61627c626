use super::*;
use crate::stix::atom::{Atom, Kind};
use crate::stix::marking::Pap;
use crate::stix::{StixTime, Tlp};
use crate::submission::{LeftOut, name};
use proptest::prelude::*;

/// What the engine for free text does, as far as these tests need it.
fn refang(text: &str) -> Vec<What> {
    let plain = text.replace("[.]", ".").replace("hxxp", "http");
    let kinds = [Kind::Url, Kind::Ipv4, Kind::Ipv6, Kind::Email, Kind::FileMd5, Kind::Domain];
    let of_word = |word: &str| {
        let mut atoms = kinds.iter().filter_map(|kind| Atom::parse(*kind, word).ok());
        atoms.find(|atom| atom.kind() != Kind::Domain || word.contains('.')).map(What::Value)
    };
    plain.split_whitespace().filter_map(of_word).collect()
}

fn taken(text: &str, mapping: Option<&str>) -> Result<Draft, Error> {
    let mapping = mapping.map(Mapping::parse).transpose()?;
    read(text.as_bytes(), &Options { mapping: mapping.as_ref(), delimiter: None, refang: &refang })
}

fn values(draft: &Draft) -> Vec<String> {
    draft
        .records
        .iter()
        .map(|one| format!("{}: {} {}", one.place, name(&one.what), one.what.text()))
        .collect()
}

fn told(left_out: &[LeftOut]) -> Vec<String> {
    left_out.iter().map(|out| format!("{} ({}): {}", out.place, out.text, out.reason)).collect()
}

fn time(text: &str) -> Option<StixTime> {
    StixTime::parse(text)
}

#[test]
fn our_columns_are_read_in_any_order_and_case() {
    let text = "\u{feff}# made by hand\n\nValue;TYPE;Labels;confidence;valid_from;Valid Until;indicator_types;reference;description;name\n\
        c2[.]evil[.]example;;rat, wave-7;B2;2026-11-23T06:00:00Z;2026-12-23T06:00:00+01:00;Malicious Activity;https://press.example/a;\"one; \"\"two\"\"\nthree\";gate\n\
        # a comment\n198.51.100.7;ip;;high;;;;;;\nCVE-2026-1234;cve;;;;;;;;\n;;;;;;;;;\nD41D8CD98F00B204E9800998ECF8427E;hash\n";
    let draft = taken(text, None).unwrap();
    assert_eq!(told(&draft.left_out), [""; 0]);
    assert_eq!(
        values(&draft),
        [
            "line 4: domain-name c2.evil.example",
            "line 7: ipv4-addr 198.51.100.7",
            "line 8: vulnerability CVE-2026-1234",
            "line 10: file:hashes.MD5 d41d8cd98f00b204e9800998ecf8427e",
        ]
    );
    let details = &draft.records[0].details;
    assert_eq!(details.labels, ["rat", "wave-7"]);
    assert_eq!(details.confidence, Some(70));
    assert_eq!(details.valid_from, time("2026-11-23T06:00:00Z"));
    assert_eq!(details.valid_until, time("2026-12-23T05:00:00Z"));
    assert_eq!(details.indicator_types, ["malicious-activity"]);
    assert_eq!(details.references[0].source_name, "press.example");
    assert_eq!(details.description.as_deref(), Some("one; \"two\"\nthree"));
    assert_eq!(details.name.as_deref(), Some("gate"));
    assert!(details.for_detection);
    assert_eq!(draft.records[1].details.confidence, Some(85));
}

/// As export formats §3.1 has it.
const OURS: &str = "type,value,confidence,tlp,pap,valid_from,valid_until,classification,labels,owner,collection,stix_id,modified,description
domain-name,c2.evil.example,80,AMBER,GREEN,2026-11-23T06:00:00Z,2026-12-23T06:00:00Z,c2-server,\"rat, small;wave-7\",CERT-Example,feed-a,indicator--ff5c8641-fc7d-57a1-8d99-e15308e88ca1,2026-11-23T06:00:00Z,'=not a formula
file:hashes.'SHA-256',aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,,AMBER+STRICT,RED,2026-11-23T06:00:00Z,,undetermined,\"one, two\",,,,,
";

#[test]
fn what_our_export_writes_is_read_back() {
    let draft = taken(OURS, None).unwrap();
    assert_eq!(told(&draft.left_out), [""; 0]);
    let [one, two] = &draft.records[..] else { panic!("{draft:?}") };
    assert_eq!(one.details.labels, ["rat, small", "wave-7", "rsit:malicious-code=\"c2-server\""]);
    assert_eq!(one.details.description.as_deref(), Some("=not a formula"));
    assert_eq!((one.details.tlp, one.details.pap), (Some(Tlp::Amber), Some(Pap::Green)));
    assert_eq!(one.details.confidence, Some(80));
    assert_eq!(two.details.labels, ["one, two"]);
    assert_eq!((two.details.tlp, two.details.pap), (Some(Tlp::AmberStrict), Some(Pap::Red)));
    assert_eq!((two.details.confidence, &two.details.valid_until), (None, &None));
    assert_eq!(name(&two.what), "file:hashes.'SHA-256'");
}

#[test]
fn rows_that_cannot_be_taken_are_left_out_with_line_column_and_reason() {
    let text = "value,type,confidence,valid_from,indicator_types,tlp,reference,colour\n\
        evil.example,ipv4-addr,,,,,,\nevil.example,thing,,,,,,\nevil.example,,150,,,,,\nevil.example,,,23.11.2026,,,,\n\
        evil.example,,,2026-11-23,,,,\nevil.example,,,,bad,,,\nevil.example,,,,,PURPLE,,\nhello,,,,,,,\n,domain,,,,,,\n\
        evil.example,,,,,,,,,\n1.2.3.4 5.6.7.8,,,,,,,\nevil.example,,,,,,no url,\nCVE-1,cve,,,,,,\n";
    let draft = taken(text, None).unwrap();
    let told = told(&draft.left_out);
    for (at, (place, reason)) in [
        ("line 1, column 8 (colour)", "name it in a mapping file"),
        ("line 2, column `value` (evil.example)", "not of the type ipv4-addr"),
        ("line 3, column `type` (thing)", "no type that we know"),
        ("line 4, column `confidence` (150)", "between 0 and 100"),
        ("line 5, column `valid_from` (23.11.2026)", "no time that can be read"),
        ("line 6, column `valid_from` (2026-11-23)", "without a zone"),
        ("line 7, column `indicator_types` (bad)", "write one of anomalous-activity"),
        ("line 8, column `tlp` (PURPLE)", "write CLEAR"),
        ("line 9, column `value` (hello)", "no value that is recognised"),
        ("line 10, column `value` ()", "there is no value"),
        ("line 11 (evil.example", "10 fields under 8 names"),
        ("line 12, column `value` (1.2.3.4 5.6.7.8)", "several values"),
        ("line 13, column `reference` (no url)", "without it"),
        ("line 14, column `value` (CVE-1)", "CVE-2026-1234"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(told[at].starts_with(place) && told[at].contains(reason), "{} — {place}: {reason}", told[at]);
    }
    assert_eq!(told.len(), 14);
    assert_eq!(values(&draft), ["line 13: domain-name evil.example"]);
}

#[test]
fn every_separator_is_recognised_or_given() {
    for delimiter in [",", ";", "\t", "|"] {
        let text = ["type", "value"].join(delimiter) + "\n" + &["domain", "evil.example"].join(delimiter);
        assert_eq!(
            values(&taken(&text, None).unwrap()),
            ["line 2: domain-name evil.example"],
            "{delimiter:?}"
        );
    }
    assert_eq!(
        values(&taken("value\r\nevil.example\r\n", None).unwrap()),
        ["line 2: domain-name evil.example"]
    );
    let options = Options { mapping: None, delimiter: Some(b'!'), refang: &refang };
    let draft = read(b"value!type\nevil.example!domain", &options).unwrap();
    assert_eq!(draft.records.len(), 1);
}

#[test]
fn a_mapping_says_what_columns_of_others_mean() {
    let mapping = r#"
        delimiter = ";"
        skip_lines = 2
        comment = "%"
        [columns]
        value = "IOC"
        type = "Kategorie"
        valid_from = 3
        description = "Bemerkung"
        [types]
        "C&C" = "domain-name"
        "ip-dst" = "ipv4-addr"
        [constants]
        confidence = 70
        labels = ["feed-x", "TLP:GREEN"]
        [times]
        format = "%d.%m.%Y %H:%M"
        zone = "+01:00"
    "#;
    let text = "Export of 23 November\nvalue;x\n% note\nIOC;kategorie;Zeit;Bemerkung;else\n\
        c2.evil.example;c&c;23.11.2026 06:00;noted;x\n198.51.100.7;IP-DST;;;\n";
    let draft = taken(text, Some(mapping)).unwrap();
    assert_eq!(values(&draft), ["line 5: domain-name c2.evil.example", "line 6: ipv4-addr 198.51.100.7"]);
    let details = &draft.records[0].details;
    assert_eq!(details.valid_from, time("2026-11-23T05:00:00Z"));
    assert_eq!((details.confidence, details.tlp), (Some(70), Some(Tlp::Green)));
    assert_eq!(details.labels, ["feed-x"]);
    assert_eq!(draft.left_out, []);
}

#[test]
fn without_a_header_columns_are_named_by_position() {
    let mapping = "header = false\n[columns]\nvalue = 2\nlabels = 1\n";
    let draft = taken("rat,evil.example,x\n,a.evil.example", Some(mapping)).unwrap();
    assert_eq!(values(&draft), ["line 1: domain-name evil.example", "line 2: domain-name a.evil.example"]);
    assert_eq!(draft.records[0].details.labels, ["rat"]);
}

#[test]
fn errors_in_mappings_name_the_key() {
    for (mapping, expected) in [
        ("colour = 1", "unknown field `colour`"),
        ("[columns]\nvalue = 1\ncolour = 2", "unknown variant `colour`"),
        ("[columns]\ntype = 1", "mapping file, columns: `value` is missing"),
        ("header = false", "mapping file, columns: `value` is missing"),
        ("header = false\n[columns]\nvalue = \"IOC\"", "columns.value: without a header"),
        ("header = false\n[columns]\nvalue = 0", "counted from 1"),
        ("delimiter = \"ab\"", "mapping file, delimiter: one sign"),
        ("[types]\nx = \"thing\"", "types.\"x\": `thing` is no type"),
        ("[constants]\nconfidence = \"sure\"", "constants.confidence"),
        ("[constants]\nvalue = \"x\"", "a value is no constant"),
        ("[times]\nformat = \"%Q\"", "times.format"),
        ("[times]\nzone = \"Europe/Berlin\"", "times.zone: `Europe/Berlin` is no offset"),
        ("[times]\nlocale = \"de\"", "unknown field `locale`"),
        ("x", "line 1"),
    ] {
        let error = Mapping::parse(mapping).expect_err(mapping).to_string();
        assert!(error.contains(expected), "{mapping}: {error}");
    }
}

#[test]
fn a_table_that_cannot_be_read_at_all_says_why() {
    for (text, mapping, expected) in [
        ("", None, "the file is empty"),
        (
            "ioc,kind\nx,y",
            None,
            "line 1: no column `value`; the header, read with `,` between fields, is `ioc`, `kind`",
        ),
        (
            "value,name\na.example,x\nb.example,\"x\nc.example,y\n",
            None,
            "line 3: a quote that is never closed",
        ),
        ("value,Value\nx,y", None, "two columns `Value`"),
        (
            "ioc,kind\nx,y",
            Some("[columns]\nvalue = \"IOCs\""),
            "no column `IOCs`, which the mapping file names for `value`",
        ),
        ("ioc,kind\nx,y", Some("[columns]\nvalue = 3"), "no column 3"),
        ("value", Some("skip_lines = 1"), "the file is empty"),
    ] {
        let error = taken(text, mapping).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let options = Options { mapping: None, delimiter: None, refang: &refang };
    let error = read(b"value\nb\xFCcher.example", &options).unwrap_err().to_string();
    assert!(error.starts_with("line 2: not UTF-8"), "{error}");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), mapping in "[a-z\\[\\]=\"0-9\n ]{0,60}") {
        let _ = read(&bytes, &Options { mapping: None, delimiter: None, refang: &refang });
        let _ = Mapping::parse(&mapping);
    }

    #[test]
    fn every_row_is_taken_or_told(rows in proptest::collection::vec("[ -~é]{1,30}", 1..10), kind in "(domain|ip|url|hash||file|x)") {
        let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
        let lines: Vec<String> = rows.iter().map(|row| format!("{},{kind}", quoted(row))).collect();
        let text = format!("value,type\n{}\n", lines.join("\n"));
        let draft = taken(&text, None).unwrap();
        let is_blank = |row: &String| row.trim().is_empty() && kind.is_empty();
        for (nth, row) in rows.iter().enumerate().filter(|(_, row)| !is_blank(row)) {
            let place = format!("line {}", nth + 2);
            let is_told = draft.left_out.iter().any(|out| out.place.starts_with(&place));
            prop_assert!(is_told || draft.records.iter().any(|record| record.place == place), "{row:?}");
        }
    }
}
