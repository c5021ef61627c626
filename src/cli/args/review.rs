//! The arguments of `liaison review`.

use super::ServerArgs;
use clap::{Args, Subcommand};

#[derive(Args)]
#[command(
    after_help = "Under an agreement with release = \"reviewed\" what is published waits until an officer (role liaison) of the same\norganisation, who has not submitted it, releases or declines it.\n\nExamples:\n  liaison review list --profile officer\n  liaison review show --profile officer 0f8c2f6e-6a0c-4f43-9d0b-6f3c1f0c8a11\n  liaison review release --profile officer --all\n  liaison review decline --profile officer 0f8c2f6e-6a0c-4f43-9d0b-6f3c1f0c8a11 --message \"names the source\""
)]
pub(in crate::cli) struct ReviewArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ReviewCommand,
}

#[derive(Subcommand)]
pub(in crate::cli) enum ReviewCommand {
    /// What waits: an officer sees all of the organisation, others what they have submitted.
    #[command(
        after_help = "Examples:\n  liaison review list --profile officer\n  liaison review list --profile officer --json"
    )]
    List {
        #[command(flatten)]
        how: How,
    },
    /// One object that waits: its text, its handling, and who would read it.
    #[command(
        after_help = "Example:\n  liaison review show --profile officer 0f8c2f6e-6a0c-4f43-9d0b-6f3c1f0c8a11"
    )]
    Show {
        /// The submission, as `review list` names it.
        submission: String,
        #[command(flatten)]
        how: How,
    },
    /// Let objects out; each is judged once more, and one that something speaks against waits on.
    #[command(
        after_help = "Examples:\n  liaison review release --profile officer 0f8c2f6e-6a0c-4f43-9d0b-6f3c1f0c8a11\n  liaison review release --profile officer --all --message \"agreed on the phone\""
    )]
    Release {
        #[command(flatten)]
        which: Which,
        /// A word to the submitters, shown in the status of what they sent; one line.
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Turn objects down; they are gone, and their submitters read why in the status.
    #[command(
        after_help = "Example:\n  liaison review decline --profile officer 0f8c2f6e-6a0c-4f43-9d0b-6f3c1f0c8a11 --message \"names the source\""
    )]
    Decline {
        #[command(flatten)]
        which: Which,
        /// Why, shown in the status of what was sent; one line.
        #[arg(long, value_name = "TEXT")]
        message: String,
        #[command(flatten)]
        how: How,
    },
}

/// With which submissions.
#[derive(Args)]
pub(in crate::cli) struct Which {
    /// Submissions, as `review list` names them.
    #[arg(required_unless_present = "all", value_name = "SUBMISSION")]
    pub(in crate::cli) submissions: Vec<String>,
    /// Everything that waits now and that we may decide on.
    #[arg(long, conflicts_with = "submissions")]
    pub(in crate::cli) all: bool,
    /// Only name what would be decided on.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
}

/// With which server, and how to print.
#[derive(Args)]
pub(in crate::cli) struct How {
    #[command(flatten)]
    pub(in crate::cli) server: ServerArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
