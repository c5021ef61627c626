//! The table, and what of it is a target.

use crate::args::Args;
use crate::process::resident;
use serde::Serialize;

/// A line of the table.
#[derive(Serialize)]
struct Figure {
    figure: String,
    liaison: String,
    other: String,
    ratio: Option<f64>,
    target: Option<Target>,
    met: Option<bool>,
}

/// What a ratio should be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn met(self, found: f64) -> bool {
        match self {
            Self::AtLeast(bound) => found >= bound,
            Self::AtMost(bound) => found <= bound,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtLeast(bound) => format!(">= {bound}"),
            Self::AtMost(bound) => format!("<= {bound}"),
        }
    }
}

/// Everything measured.
pub(crate) struct Report {
    figures: Vec<Figure>,
    /// The most resident memory of each server, in MiB.
    resident: Vec<(String, f64)>,
    quick: bool,
}

impl Report {
    pub(crate) fn new(args: &Args) -> Self {
        Self { figures: Vec::new(), resident: Vec::new(), quick: args.quick }
    }

    /// A figure with its ratio. Of a short run on a machine shared with others, rates say little:
    /// there a target binds only where `steady` says that the ratio is one of processor times,
    /// and with a fifth of tolerance.
    pub(crate) fn ratio(
        &mut self,
        figure: &str,
        [liaison, other]: [String; 2],
        ratio: f64,
        target: Option<Target>,
        steady: bool,
    ) {
        let target = match target {
            Some(_) if self.quick && !steady => None,
            Some(Target::AtLeast(bound)) if self.quick => Some(Target::AtLeast(bound * 0.8)),
            Some(Target::AtMost(bound)) if self.quick => Some(Target::AtMost(bound * 1.2)),
            other => other,
        };
        self.add(Figure {
            figure: figure.to_owned(),
            liaison,
            other,
            ratio: Some(ratio),
            target,
            met: target.map(|target| target.met(ratio)),
        });
    }

    /// A figure that holds or does not.
    pub(crate) fn fact(&mut self, figure: &str, [liaison, other]: [String; 2], met: Option<bool>) {
        self.add(Figure { figure: figure.to_owned(), liaison, other, ratio: None, target: None, met });
    }

    /// Notes how much memory a server has had until now.
    pub(crate) fn note_memory(&mut self, phase: &str, pid: u32) -> anyhow::Result<()> {
        let (now, most) = resident(pid)?;
        eprintln!("  memory, {phase}: {now:.0} MiB now, {most:.0} MiB at most");
        self.resident.push((phase.to_owned(), most));
        Ok(())
    }

    /// The worst of the notes as a figure.
    pub(crate) fn memory(&mut self) {
        let worst = self.resident.iter().max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((phase, most)) = worst.map(|(phase, most)| (phase.clone(), *most)) else {
            return;
        };
        self.add(Figure {
            figure: format!("resident memory at most, MiB ({phase})"),
            liaison: format!("{most:.0}"),
            other: String::new(),
            ratio: None,
            target: Some(Target::AtMost(RESIDENT_MAX_MIB)),
            met: Some(most <= RESIDENT_MAX_MIB),
        });
    }

    pub(crate) fn all_met(&self) -> bool {
        self.figures.iter().all(|figure| figure.met != Some(false))
    }

    /// Prints the table, and writes it where it is wanted.
    pub(crate) fn print(&self, args: &Args) -> anyhow::Result<()> {
        println!("| figure | liaison | bare or raw | ratio | target | met |");
        println!("| --- | ---: | ---: | ---: | ---: | --- |");
        for figure in &self.figures {
            let ratio = figure.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
            let target = figure.target.map(Target::text).unwrap_or_default();
            let met = figure.met.map(|met| if met { "yes" } else { "NO" }).unwrap_or_default();
            println!(
                "| {} | {} | {} | {ratio} | {target} | {met} |",
                figure.figure, figure.liaison, figure.other
            );
        }
        if let Some(path) = &args.json {
            std::fs::write(path, serde_json::to_vec_pretty(&self.figures)?)?;
        }
        Ok(())
    }

    fn add(&mut self, figure: Figure) {
        let ratio = figure.ratio.map(|ratio| format!(" ({ratio:.2})")).unwrap_or_default();
        eprintln!("{}: {} / {}{ratio}", figure.figure, figure.liaison, figure.other);
        self.figures.push(figure);
    }
}

/// A number with as many digits as it deserves.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 1000.0 => thousands(value),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let head = digits.len() % 3;
    let mut out = digits[..head].to_owned();
    for at in (head..digits.len()).step_by(3) {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&digits[at..at + 3]);
    }
    out
}

const RESIDENT_MAX_MIB: f64 = 150.0;
