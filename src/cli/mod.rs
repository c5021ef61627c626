//! The command line: one clap tree, one function for each command; the only place that wires
//! things together.

mod account;
mod args;
mod audit;
mod connect;
mod content;
mod demo;
mod erase;
mod export;
mod hold;
mod hub;
mod init;
mod input;
mod lookup;
mod orders;
mod output;
mod pki;
mod policy;
mod poll;
mod publish;
mod push;
mod registry;
mod review;
mod sync;
mod warning;

use args::{Cli, Command};
use clap::Parser;
pub use output::{Exit, Stop};

/// Parses the arguments, runs the command, says what went wrong; the answer is the exit code.
pub fn run() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come this way too, and go to standard output. A closed pipe is fine.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.code() } else { 0 };
        }
    };
    // Must come before any TLS client or server is built.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match dispatch(cli) {
        Ok(exit) => exit.code(),
        Err(error) => {
            let exit = exit_of(&error);
            output::problem(&format!("{error:#}"));
            exit.code()
        }
    }
}

fn exit_of(error: &anyhow::Error) -> Exit {
    match (error.downcast_ref::<Stop>(), error.downcast_ref::<crate::pki::Error>()) {
        (Some(stop), _) => stop.exit,
        (None, Some(error)) => pki::exit_of(error),
        (None, None) => Exit::Failed,
    }
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    match cli.command {
        Command::Demo(args) => demo::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Serve(args) => hub::serve(&args),
        Command::Check(args) => hub::check(&args),
        Command::Status(args) => hub::status(&args),
        Command::Registry(args) => registry::run(&args),
        Command::Pki(args) => pki::run(&args),
        Command::Erase(args) => erase::run(&args),
        Command::Hold(args) => hold::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::Extract(args) => publish::extract(&args),
        Command::Review(args) => review::run(&args),
        Command::Poll(args) => poll::run(&args),
        Command::Whoami(args) => connect::whoami(&args),
        Command::Lookup(args) => lookup::run(&args),
        Command::Explain(args) => policy::explain(&args),
        Command::Policy(args::PolicyCommand::Simulate(args)) => policy::simulate(&args),
        Command::Export(args) => export::run(&args),
        Command::Sync(args) => sync::run(&args),
        Command::Warning(args) => warning::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Content(command) => content::run(&command),
    }
}
