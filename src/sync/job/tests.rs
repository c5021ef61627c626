//! Jobs as files declare them.

use super::*;

const JOB: &str = r#"
[[job]]
id = "pull"
every = "5m"
source = { kind = "taxii", collection = "indicators", owners = ["identity--x"], server = { url = "https://hub.example", cert = "c", key = "k" } }
target = { kind = "hub", collection = "indicators", client = "cert-a/sync" }
"#;

fn wrong(from: &str, to: &str) -> String {
    assert!(JOB.contains(from));
    Jobs::parse(&JOB.replace(from, to), Path::new("/x")).unwrap_err()
}

#[test]
fn a_job_is_read_and_its_paths_are_those_beside_the_file() {
    let jobs = Jobs::parse(JOB, Path::new("/x")).unwrap();
    assert_eq!(jobs.state, Path::new("/x/sync"));
    let (server, owners) = (jobs.jobs[0].source.server().unwrap(), jobs.jobs[0].source.owners());
    assert_eq!(server.cert.as_deref(), Some(Path::new("/x/c")));
    assert!(owners.include("identity--x") && !owners.include("identity--y"));
}

#[test]
fn mistakes_name_the_job_and_what_to_change() {
    assert!(wrong("\"pull\"", "\"Pull\"").contains("slug"));
    assert!(wrong(", key = \"k\"", "").contains("cert and key go together"));
    assert!(wrong("https://hub", "http://hub").contains("expected https://"));
    assert!(wrong("https://hub", "https://a:b@hub").contains("password_file"));
    assert!(wrong("[\"identity--x\"]", "\"all\"").contains("any"));
    assert!(wrong("every", "evry").contains("evry"));
    assert!(
        wrong(
            "kind = \"hub\", collection = \"indicators\", client = \"cert-a/sync\"",
            "kind = \"files\", dir = \"d\""
        )
        .contains("forward.identities")
    );
    assert!(wrong("\n[[job]]", &(JOB.to_owned() + "\n[[job]]")).contains("two of this id"));
}

#[test]
fn the_examples_of_the_documentation_are_good() {
    let block =
        |text: &'static str, at: usize| text.split("```toml").nth(at).unwrap().split("```").next().unwrap();
    let jobs = Jobs::parse(block(include_str!("../../../docs/sync.md"), 2), Path::new("/x")).unwrap();
    assert_eq!(jobs.jobs.len(), 2);
    let mapping = block(include_str!("../../../docs/submission.md"), 1);
    crate::submission::csv::Mapping::parse(mapping).unwrap();
}
