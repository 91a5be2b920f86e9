//! `completions`: a script with which a shell completes commands and flags.

use clap::CommandFactory as _;

use crate::config::{Cli, CompletionsArguments};
use crate::failure::Failure;
use crate::print;

pub fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Cli::command(),
        "crawlspace",
        &mut script,
    );
    print::write(&script)?;
    Ok(())
}
