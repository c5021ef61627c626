//! What a database knows after it was closed and opened again.

use super::{Options, Sqlite};
use crate::policy::{self, Anchor, Credential, Directory, Grant};
use crate::registry::Registry;
use crate::stix::Timestamp;
use crate::stix::atom::Kind;
use crate::store::atoms::Wanted;
use crate::store::{Deleted, PageCache, Store};
use crate::taxii::{Envelope, Versions};
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn open(path: &std::path::Path) -> Sqlite {
    let cache = Arc::new(PageCache::new(1 << 20));
    let path = path.to_owned();
    Sqlite::open(Options { path, readers: 1, accept_future_watermark: false, cache }, NOW).unwrap()
}

fn grant() -> (Directory, Grant) {
    let registry = r#"
        [[organisation]]
        id = "a"
        name = "A"
        country = "AA"
        [[organisation.client]]
        id = "feed"
        role = "publisher"
        [[agreement]]
        id = "t"
        title = "T"
        parties = ["a"]
        tlp_max = "RED"
        [[agreement.collection]]
        id = "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11"
        title = "T"
        api_root = "t"
        unmarked = "assume:GREEN"
    "#;
    let directory = Directory::new(Registry::parse(registry).unwrap());
    let uris = vec!["urn:liaison:a:feed".to_owned()];
    let credential = Credential { anchor: Anchor::Hub, uris, key_sha256: String::new() };
    let peer = directory.find(&credential).unwrap();
    let grant = directory.grant(&peer, "t", "3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c11").unwrap();
    (directory, grant)
}

fn id(number: usize) -> String {
    format!("url--3f0e7d0c-8d39-4f5e-9a51-{number:012}")
}

/// Adds objects with these numbers, one commit each; how many were there already.
fn add(store: &Sqlite, numbers: std::ops::Range<usize>) -> usize {
    let one = |number| format!(r#"{{"type":"url","id":"{}","value":"http://{number}.example"}}"#, id(number));
    post(store, numbers.map(one))
}

/// Objects without values.
fn add_folders(store: &Sqlite, numbers: std::ops::Range<usize>) {
    let id = |number| id(number).replace("url", "directory");
    let one = |number| format!(r#"{{"type":"directory","id":"{}","path":"/{number}"}}"#, id(number));
    assert_eq!(post(store, numbers.map(one)), 0);
}

fn post(store: &Sqlite, objects: impl Iterator<Item = String>) -> usize {
    let (directory, grant) = grant();
    let scope = policy::write_scope(&grant, NOW).unwrap();
    let one = |object: String| {
        let body = format!(r#"{{"objects":[{object}]}}"#);
        let envelope = Envelope::parse(body.into_bytes(), crate::stix::content::Options::default()).unwrap();
        let status_id = uuid::Uuid::new_v4().to_string();
        let status = store
            .add(crate::ingest::prepare(store, &directory, &scope, envelope, status_id, NOW).unwrap())
            .unwrap();
        assert_eq!(status.success_count, 1, "{status:?}");
        status.successes.iter().filter(|detail| detail.message.is_some()).count()
    };
    objects.map(one).sum()
}

fn delete(store: &Sqlite, numbers: std::ops::Range<usize>) {
    let scope = policy::erase_scope(&grant().1, NOW).unwrap();
    let all = Versions { all: true, ..Versions::default() };
    for number in numbers {
        assert_eq!(store.delete(&scope, &id(number), &all, NOW).unwrap(), Deleted::Versions(1));
    }
}

/// How many of the values of these objects a look-up finds.
fn found(store: &Sqlite, numbers: std::ops::Range<usize>) -> usize {
    let scope = policy::read_scope(&grant().1, NOW).unwrap();
    let urls: Vec<String> = numbers.map(|number| format!("http://{number}.example/")).collect();
    let wanted: Vec<Wanted> = urls.iter().map(|url| Wanted::Value(Kind::Url, url)).collect();
    let mut found = 0;
    store.named(&[scope], &wanted, 10, &mut |_, _, _| found += 1).unwrap();
    found
}

#[test]
fn what_came_after_a_deletion_of_the_newest_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    let store = open(&path);
    // So many that their index entries have moved to the table.
    add(&store, 0..40);
    delete(&store, 0..40);
    drop(store);
    let store = open(&path);
    add(&store, 40..43);
    drop(store);
    let store = open(&path);
    let scope = policy::read_scope(&grant().1, NOW).unwrap();
    assert!((40..43).all(|number| store.knows(&scope, &id(number)).unwrap()));
    assert_eq!(add(&store, 40..43), 3, "stored twice");
    assert_eq!(found(&store, 0..43), 3);
}

#[test]
fn the_index_finds_everything_wherever_merging_stands() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    for round in 0..30 {
        let store = open(&path);
        assert_eq!(found(&store, 0..round), round);
        assert_eq!(add(&store, 0..round), round);
        assert_eq!(add(&store, round..round + 1), 0);
        assert_eq!(found(&store, 0..round + 2), round + 1);
    }
}

#[test]
fn values_are_read_back_though_ids_have_been_merged_further() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    for round in 0..6 {
        let store = open(&path);
        assert_eq!(found(&store, 0..round), round);
        add(&store, round..round + 1);
        add_folders(&store, 20 * round..20 * round + 20);
    }
}

#[test]
fn values_are_found_wherever_merging_stands_though_nobody_asked_before() {
    for count in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let store = open(&dir.path().join("t.db"));
        add(&store, 0..count);
        assert_eq!(found(&store, 0..count + 2), count);
        add(&store, count..count + 3);
        assert_eq!(found(&store, 0..count + 5), count + 3);
    }
}

#[test]
fn values_that_stand_in_a_row_each_are_read_and_go_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.db");
    let store = open(&path);
    let (md5, sha1) = ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef01234567");
    let id = "file--3f0e7d0c-8d39-4f5e-9a51-3f6a2b9a7c12";
    let hashes = format!(r#"{{"MD5":"{md5}","SHA-1":"{sha1}"}}"#);
    post(
        &store,
        std::iter::once(format!(r#"{{"type":"file","id":"{id}","name":"a.exe","hashes":{hashes}}}"#)),
    );
    drop(store);
    // As they were before migration 0010.
    let database = rusqlite::Connection::open(&path).unwrap();
    assert_eq!(database.execute("UPDATE atom SET more = NULL WHERE more IS NOT NULL", []).unwrap(), 1);
    for (place, kind, value) in [(1, Kind::FileMd5, md5), (2, Kind::FileSha1, sha1)] {
        let sql = "INSERT INTO atom (key, kind, value) SELECT min(key) + ?1, ?2, ?3 FROM atom";
        database.execute(sql, rusqlite::params![place, kind.number(), value]).unwrap();
    }
    let store = open(&path);
    let scope = policy::read_scope(&grant().1, NOW).unwrap();
    let wanted =
        [(Kind::FileName, "a.exe"), (Kind::FileMd5, md5), (Kind::FileSha1, sha1), (Kind::FileMd5, sha1)];
    let wanted = wanted.map(|(kind, text)| Wanted::Value(kind, text));
    let found = |store: &Sqlite| {
        let mut found = Vec::new();
        store
            .named(std::slice::from_ref(&scope), &wanted, 10, &mut |number, _, _| found.push(number))
            .unwrap();
        found.sort_unstable();
        found
    };
    assert_eq!(found(&store), [0, 1, 2]);
    let all = Versions { all: true, ..Versions::default() };
    let scope = policy::erase_scope(&grant().1, NOW).unwrap();
    assert_eq!(store.delete(&scope, id, &all, NOW).unwrap(), Deleted::Versions(1));
    assert_eq!(found(&store), [0; 0]);
    let left: i64 = database.query_row("SELECT count(*) FROM atom", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}
