//! Content without a server: `validate`, `pattern`, `id`, `schema`.

use super::args::{ContentCommand, IdArgs, PatternCommand, SchemaArgs, ValidateArgs};
use super::input;
use super::output::{self, Exit, stop};
use crate::clock::Clock;
use crate::stix::content::{Finding, Findings, Options, Reviewer};
use crate::stix::json;
use crate::stix::pattern::Pattern;
use crate::stix::{observable_id, schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

pub(super) fn run(command: &ContentCommand) -> anyhow::Result<Exit> {
    match command {
        ContentCommand::Validate(args) => validate(args),
        ContentCommand::Pattern(args) => pattern(&args.command),
        ContentCommand::Id(args) => id(args),
        ContentCommand::Schema(args) => print_schema(args),
    }
}

/// The answer to a line of `validate`.
#[derive(Serialize)]
struct Verdict<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    valid: bool,
    errors: &'a [Finding],
    warnings: &'a [Finding],
}

impl<'a> Verdict<'a> {
    fn new(name: Option<&'a RawValue>, id: Option<String>, findings: &'a Findings) -> Self {
        Self { name, id, valid: findings.is_valid(), errors: &findings.errors, warnings: &findings.warnings }
    }
}

/// The answer to a line of `pattern check`.
#[derive(Serialize)]
struct Checked<'a> {
    name: &'a RawValue,
    valid: bool,
    error: Option<String>,
    warnings: Vec<String>,
}

/// The answer to a line of `pattern match`.
#[derive(Serialize)]
struct Matched<'a> {
    name: &'a RawValue,
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matches: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// The answer to a line of `id`.
#[derive(Serialize)]
struct Identified<'a> {
    name: &'a RawValue,
    id: Option<String>,
}

fn validate(args: &ValidateArgs) -> anyhow::Result<Exit> {
    let options =
        Options { profile: args.profile, advise: true, now: Some(Clock::system().now()), extensions: None };
    if let Some(file) = &args.json_lines {
        return lines(file, |line, out| {
            let findings = judge_line(line, options);
            Ok(serde_json::to_writer(out, &Verdict::new(Some(line.name()), None, &findings))?)
        });
    }
    if args.files.is_empty() {
        return Err(stop(Exit::Usage, "name the files to validate, or --json-lines -"));
    }
    let mut all_valid = true;
    for file in &args.files {
        all_valid &= validate_file(file, args, options)?;
    }
    Ok(if all_valid { Exit::Done } else { Exit::Failed })
}

fn judge_line(line: &Line, options: Options) -> Findings {
    let text = match (&line.object, &line.text) {
        (Some(object), None) => object.get(),
        (None, Some(text)) => text,
        _ => {
            let message = "a line has a `name` and either an `object` or a `text`".to_owned();
            let error =
                Finding { code: "json.syntax", pointer: String::new(), message, value: None, count: 1 };
            return Findings { errors: vec![error], ..Findings::default() };
        }
    };
    let mut reviewer = Reviewer::new(options);
    match json::read(text.as_bytes().to_vec(), |seen| reviewer.see(seen)) {
        Ok(document) => reviewer.whole(document.root, &document.text),
        Err(error) => error.into(),
    }
}

fn validate_file(file: &Path, args: &ValidateArgs, options: Options) -> anyhow::Result<bool> {
    let mut reviewer = Reviewer::new(options);
    let documents = input::documents(file, |seen| reviewer.see(seen))?;
    let mut counts = Counts::default();
    let mut told = Vec::new();
    for root in documents.roots {
        for (id, findings) in reviewer.each(root, &documents.text) {
            counts.add(&findings);
            if args.json {
                output::json(&Verdict::new(None, id, &findings));
            } else if !findings.errors.is_empty() || !findings.warnings.is_empty() {
                told.push((id, findings));
            }
        }
    }
    tell(&told);
    if !args.json {
        output::line(&format!(
            "{}: {} objects, {} valid, {} refused; {} warnings",
            input::name(file),
            counts.objects,
            counts.objects - counts.refused,
            counts.refused,
            counts.warnings
        ));
    }
    Ok(counts.refused == 0)
}

#[derive(Default)]
struct Counts {
    objects: usize,
    refused: usize,
    warnings: usize,
}

impl Counts {
    fn add(&mut self, findings: &Findings) {
        self.objects += 1;
        self.refused += usize::from(!findings.is_valid());
        self.warnings += findings.warnings.iter().map(|warning| warning.count).sum::<usize>();
    }
}

/// Prints what was found, errors first; after many lines of each only the sums at the end.
fn tell(found: &[(Option<String>, Findings)]) {
    let errors = found.iter().flat_map(|(id, findings)| findings.errors.iter().map(move |error| (id, error)));
    let warnings =
        found.iter().flat_map(|(id, findings)| findings.warnings.iter().map(move |warning| (id, warning)));
    tell_some("error", errors);
    tell_some("warning", warnings);
}

fn tell_some<'a>(word: &str, findings: impl Iterator<Item = (&'a Option<String>, &'a Finding)>) {
    let mut rest = 0;
    for (at, (id, finding)) in findings.enumerate() {
        if at < LINES_TOLD {
            let id = id.as_deref().unwrap_or("an object without an id");
            output::line(&output::one_line(&format!("{word}: {id}: {finding}")));
        } else {
            rest += 1;
        }
    }
    if rest > 0 {
        output::line(&format!("… and {rest} {word}s more; --json lists all"));
    }
}

fn pattern(command: &PatternCommand) -> anyhow::Result<Exit> {
    match command {
        PatternCommand::Check { json_lines } => lines(json_lines, |line, out| {
            let checked = line.pattern.as_deref().map(Pattern::parse);
            let error = match &checked {
                Some(Ok(_)) => None,
                Some(Err(error)) => Some(error.to_string()),
                None => Some(NO_PATTERN.to_owned()),
            };
            let parsed = checked.and_then(Result::ok);
            let warnings = parsed.iter().flat_map(Pattern::warnings);
            let warnings = warnings.map(|warning| warning.to_string()).collect();
            let answer = Checked { name: line.name(), valid: error.is_none(), error, warnings };
            Ok(serde_json::to_writer(out, &answer)?)
        }),
        PatternCommand::Match { json_lines } => lines(json_lines, |line, out| {
            let (matches, error) = match matched(line) {
                Ok(matches) => (Some(matches), None),
                Err(error) => (None, Some(error)),
            };
            Ok(serde_json::to_writer(out, &Matched { name: line.name(), matches, error })?)
        }),
        PatternCommand::Explain { pattern } => match Pattern::parse(pattern) {
            Ok(parsed) => {
                output::line(parsed.explain().trim_end());
                Ok(Exit::Done)
            }
            Err(error) => Err(stop(Exit::BadData, error.to_string())),
        },
    }
}

fn matched(line: &Line) -> Result<bool, String> {
    let text = line.pattern.as_deref().ok_or(NO_PATTERN)?;
    let pattern = Pattern::parse(text).map_err(|error| error.to_string())?;
    let observations = line.observations.as_deref().ok_or("a line has a list `observations`")?;
    pattern.matches(observations).map_err(|error| error.to_string())
}

fn id(args: &IdArgs) -> anyhow::Result<Exit> {
    lines(&args.json_lines, |line, out| {
        let id =
            line.object.as_ref().and_then(|object| observable_id::deterministic_id_from_text(object.get()));
        Ok(serde_json::to_writer(out, &Identified { name: line.name(), id })?)
    })
}

fn print_schema(args: &SchemaArgs) -> anyhow::Result<Exit> {
    match (&args.name, args.list) {
        (Some(name), false) => match schema::files().find(|(known, _)| known == name) {
            Some((_, text)) => output::line(text.trim_end()),
            None => return Err(stop(Exit::Usage, format!("there is no schema `{name}`; --list names all"))),
        },
        _ => {
            for (name, _) in schema::files() {
                output::line(name);
            }
        }
    }
    Ok(Exit::Done)
}

/// A line of input.
#[derive(Default, Deserialize)]
struct Line {
    name: Option<Box<RawValue>>,
    object: Option<Box<RawValue>>,
    text: Option<String>,
    pattern: Option<String>,
    observations: Option<Vec<Value>>,
}

impl Line {
    /// Reads a line; of one that is broken, or has something of another kind in it, as much as the
    /// name.
    fn read(text: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Named {
            name: Option<Box<RawValue>>,
        }
        serde_json::from_slice(text).unwrap_or_else(|_| {
            let name = serde_json::from_slice::<Named>(text).ok().and_then(|named| named.name);
            Self { name, ..Self::default() }
        })
    }

    /// Its name, as it was written.
    fn name(&self) -> &RawValue {
        self.name.as_deref().unwrap_or(RawValue::NULL)
    }
}

/// Answers each line of a file, or of standard input, with a line. One that is broken is answered
/// as a line without content.
fn lines(
    file: &Path,
    mut answer: impl FnMut(&Line, &mut Vec<u8>) -> anyhow::Result<()>,
) -> anyhow::Result<Exit> {
    let input: Box<dyn Read> = match file == Path::new("-") {
        true => Box::new(std::io::stdin()),
        false => Box::new(
            std::fs::File::open(file)
                .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", file.display())))?,
        ),
    };
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut stdout = std::io::stdout().lock();
    let (mut text, mut out) = (Vec::new(), Vec::new());
    loop {
        text.clear();
        let read = input.read_until(b'\n', &mut text);
        if read.map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", file.display())))? == 0
        {
            return Ok(Exit::Done);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let line = Line::read(&text);
        out.clear();
        answer(&line, &mut out)?;
        out.push(b'\n');
        if stdout.write_all(&out).and_then(|()| stdout.flush()).is_err() {
            // Whoever read the answers has gone.
            return Ok(Exit::Done);
        }
    }
}

const NO_PATTERN: &str = "a line has a `name` and a `pattern`, which is a string";
const LINES_TOLD: usize = 50;
const BUFFER_BYTES: usize = 256 * 1024;
