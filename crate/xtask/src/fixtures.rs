//! The media that tests and demo play: made again by the scripts that stand beside them.

use crate::shell::{at, cmd, run, say};
use anyhow::Result;

const MAKERS: &[&str] = &["tests/fixtures/make.mjs", "tests/fixtures/mp4.mjs", "www/demo/media/make.mjs"];

pub fn make() -> Result<()> {
    for maker in MAKERS.iter().filter(|maker| at(maker).is_file()) {
        say(format!("fixtures: {maker}"));
        run(&mut cmd("node", &[maker]))?;
    }
    Ok(())
}
