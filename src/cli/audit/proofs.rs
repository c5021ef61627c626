//! Proofs: made from a hub, checked by anybody.

use super::{keys, read_checkpoints};
use crate::audit::proof::{verify_consistency, verify_inclusion};
use crate::audit::{Checkpoint, Hash};
use crate::cli::args::{ConsistencyArgs, InclusionArgs, ServerArgs};
use crate::cli::connect::{connect, failed, runtime};
use crate::cli::output::{self, Exit, stop};
use crate::http::{ConsistencyProof, InclusionProof};
use serde::de::DeserializeOwned;
use std::path::Path;

/// `liaison audit consistency`
pub(super) fn consistency(args: &ConsistencyArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.check {
        return check_consistency(args, file);
    }
    let size = |text: &String| {
        text.parse::<u64>().map_err(|_| {
            stop(
                Exit::Usage,
                format!("`{text}` is not a size; give numbers of records, or --check PROOF.json"),
            )
        })
    };
    let (old, new) = (size(&args.old)?, size(&args.new)?);
    let proof = if args.profile.is_some() {
        let connection = connect(&ServerArgs { profile: args.profile.clone(), ..ServerArgs::default() })?;
        let path = format!("/liaison/v1/audit/consistency?old={old}&new={new}");
        runtime()?.block_on(connection.client.get::<ConsistencyProof>(&path)).map_err(failed)?
    } else {
        let made = super::open(&args.hub)?.consistency(old, new)?;
        let proof = made.map_err(|none| stop(Exit::Failed, none.to_string()))?;
        ConsistencyProof { old, new, proof }
    };
    output::json(&proof);
    Ok(Exit::Done)
}

fn check_consistency(args: &ConsistencyArgs, file: &Path) -> anyhow::Result<Exit> {
    let keys = keys::parse(&args.keys)?;
    let (old, new) = (one(Path::new(&args.old), &keys)?, one(Path::new(&args.new), &keys)?);
    let proof: ConsistencyProof = read(file)?;
    let verdict = match (proof.old, proof.new) == (old.size, new.size) {
        true => verify_consistency(old.size, &old.root, new.size, &new.root, &proof.proof)
            .map_err(|error| error.to_string()),
        false => Err(format!(
            "the proof is for the sizes {} and {}, but the checkpoints are of {} and {} records",
            proof.old, proof.new, old.size, new.size
        )),
    };
    let good = format!(
        "the log of {} records ({}) begins with the log of {} records ({})",
        new.size, new.time, old.size, old.time
    );
    Ok(tell(verdict, &good, args.hub.json))
}

/// `liaison audit inclusion`
pub(super) fn inclusion(args: &InclusionArgs) -> anyhow::Result<Exit> {
    if let Some(file) = &args.check {
        return check_inclusion(args, file);
    }
    let tool = super::open(&args.hub)?;
    let size = match args.size {
        Some(size) => size,
        None => {
            let note = tool
                .latest_checkpoint()?
                .ok_or_else(|| stop(Exit::Failed, "no checkpoint has been signed yet; give --size"))?;
            Checkpoint::open(&note, &tool.audit_keys()?)?.size
        }
    };
    let made = tool.inclusion(args.n, size)?;
    let (leaf, proof) = made.map_err(|none| stop(Exit::Failed, none.to_string()))?;
    output::json(&InclusionProof { record: args.n, size, leaf, proof });
    Ok(Exit::Done)
}

fn check_inclusion(args: &InclusionArgs, file: &Path) -> anyhow::Result<Exit> {
    let keys = keys::parse(&args.keys)?;
    let (Some(record), Some(checkpoint)) = (&args.record, &args.checkpoint) else {
        return Err(stop(Exit::Usage, "--check needs --record and --checkpoint"));
    };
    let checkpoint = one(checkpoint, &keys)?;
    let mut bytes = std::fs::read(record)
        .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", record.display())))?;
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let proof: InclusionProof = read(file)?;
    let leaf = Hash::leaf(&bytes);
    let verdict = match (proof.record, proof.size) == (args.n, checkpoint.size) {
        true => verify_inclusion(&leaf, args.n, checkpoint.size, &proof.proof, &checkpoint.root)
            .map_err(|error| error.to_string()),
        false => Err(format!(
            "the proof is for record {} among {}, not for record {} among the {} of the checkpoint",
            proof.record, proof.size, args.n, checkpoint.size
        )),
    };
    let good =
        format!("record {} is in the log of {} records ({})", args.n, checkpoint.size, checkpoint.time);
    Ok(tell(verdict, &good, args.hub.json))
}

fn tell(verdict: Result<(), String>, good: &str, json: bool) -> Exit {
    match &verdict {
        _ if json => {
            output::json(&serde_json::json!({"ok": verdict.is_ok(), "problem": verdict.as_ref().err()}))
        }
        Ok(()) => output::line(&format!("ok   {good}")),
        Err(problem) => output::line(&format!("BAD  {problem}")),
    }
    if verdict.is_ok() { Exit::Done } else { Exit::Failed }
}

/// The one checkpoint in a file.
fn one(path: &Path, keys: &[crate::audit::Verifier]) -> anyhow::Result<Checkpoint> {
    match <[Checkpoint; 1]>::try_from(read_checkpoints(path, keys)?) {
        Ok([checkpoint]) => Ok(checkpoint),
        Err(all) => {
            let text = format!("{} has {} checkpoints; give a file with one", path.display(), all.len());
            Err(stop(Exit::BadData, text))
        }
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read(path)
        .map_err(|error| stop(Exit::BadData, format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_slice(&text)
        .map_err(|error| stop(Exit::BadData, format!("{} is not a proof: {error}", path.display())))
}
