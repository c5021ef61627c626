//! `liaison demo`.
use super::args::DemoArgs;
use super::output::Exit;
pub(super) fn run(_args: &DemoArgs) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
