//! The simulator: a program of its own, built for speed.

use crate::shell::{cargo, run as run_command};
use anyhow::Result;

pub fn run(args: &[String]) -> Result<()> {
    let program = ["run", "--quiet", "--profile", "sim", "--package", "sailcast-sim", "--"];
    run_command(cargo(&program).args(args))
}
