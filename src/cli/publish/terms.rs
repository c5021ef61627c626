//! On which terms something is submitted: said in arguments, or asked for on a terminal, never guessed.

use super::super::args::{Holder, SubmissionArgs};
use super::super::output::{Exit, one_line, stop};
use crate::clock::Clock;
use crate::submission::Draft;
use crate::submission::build::{Container, Terms};
use crate::submission::terms::{self, Said, Stated};
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Write};

/// Gathers what is said; what is missing is asked for.
pub(super) fn say(args: &SubmissionArgs, draft: &Draft, author: (String, String)) -> anyhow::Result<Said> {
    let tlp = match &args.tlp {
        Some(level) => level.clone(),
        None => ask("--tlp", &suggested(draft))?,
    };
    let purposes = match args.purposes.is_empty() {
        false => args.purposes.clone(),
        true => {
            let answer = ask(
                "--purpose",
                "What may it be used for (cyber-defence, incident-response, fraud-prevention, organised-crime, …)? ",
            )?;
            answer.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }
    };
    let container = match args.container {
        Holder::Report => terms::Holder::Report,
        Holder::Grouping => terms::Holder::Grouping,
        Holder::None => terms::Holder::None,
    };
    let title = match args.title.clone().or_else(|| draft.title.clone()) {
        None if container != terms::Holder::None => {
            Some(ask("--title", "What is it called? Under the same title it grows: ")?)
        }
        title => title,
    };
    let stated = Stated {
        tlp: Some(tlp),
        purposes,
        pap: args.pap.clone(),
        title,
        description: None,
        container,
        context: args.context.clone(),
        confidence: args.confidence,
        valid_days: args.valid_days,
        labels: args.labels.clone(),
        handling_codes: args.handling_codes.clone(),
        legal_basis: args.legal_basis.clone(),
    };
    stated.said(draft, author, Clock::system().now().to_millis()).map_err(|wrong| {
        let argument = if wrong.term == "purposes" { "--purpose" } else { &format!("--{}", wrong.term) };
        match wrong.found {
            Some(found) => stop(Exit::Usage, format!("{argument} {found}: expected {}", wrong.expected)),
            None => missing(argument),
        }
    })
}

/// Terms in words.
pub(super) fn words(said: &Terms) -> String {
    let held = match &said.container {
        Container::Report => format!(", report \"{}\"", one_line(said.title)),
        Container::Grouping { .. } => format!(", grouping \"{}\"", one_line(said.title)),
        Container::None => String::new(),
    };
    format!("{} at least, for {}{held}", said.tlp, said.purposes.join(" and "))
}

fn suggested(draft: &Draft) -> String {
    let said = draft.highest_tlp().map(|tlp| format!("; the source says {tlp}")).unwrap_or_default();
    format!("TLP (CLEAR, GREEN, AMBER, AMBER+STRICT, RED{said}): ")
}

/// Asks whoever sits at the terminal, also if standard input is a file.
pub(super) fn ask(argument: &str, question: &str) -> anyhow::Result<String> {
    if !std::io::stderr().is_terminal() {
        return Err(missing(argument));
    }
    let terminal = File::options().read(true).write(true).open("/dev/tty").map_err(|_| missing(argument))?;
    let mut answer = String::new();
    (&terminal).write_all(question.as_bytes())?;
    BufReader::new(&terminal).read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}

fn missing(argument: &str) -> anyhow::Error {
    stop(
        Exit::Usage,
        format!("give {argument}: what is submitted is marked by whoever submits it, never by a guess"),
    )
}
