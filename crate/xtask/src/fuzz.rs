//! cargo-fuzz on the parsers, with the nightly toolchain it needs.

use crate::shell::{at, cmd, read, run, say};
use anyhow::{Result, bail};

const DEFAULT_SECONDS: &str = "60";

/// `fuzz` runs each target in turn, `fuzz TARGET` one, both for so many seconds.
pub fn run_targets(args: &[String]) -> Result<()> {
    let all = targets();
    let seconds = args.get(1).map_or(DEFAULT_SECONDS, String::as_str);
    let chosen = match args.first() {
        Some(name) if !all.contains(name) => bail!("no fuzz target {name}; there are: {}", all.join(", ")),
        Some(name) => vec![name.clone()],
        None => all,
    };
    if seconds.parse::<u32>().is_err() {
        bail!("{seconds} is not a number of seconds");
    }
    tools()?;
    for target in chosen {
        say(format!("fuzz: {target} for {seconds} s"));
        let limit = format!("-max_total_time={seconds}");
        let words =
            ["run", "nightly", "cargo", "fuzz", "run", "--fuzz-dir", "tests/fuzz", &target, "--", &limit];
        run(cmd("rustup", &words).env_remove("RUSTUP_TOOLCHAIN").env_remove("RUSTFLAGS"))?;
    }
    Ok(())
}

fn targets() -> Vec<String> {
    let found = std::fs::read_dir(at("tests/fuzz/fuzz_targets")).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        found.filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    names
}

fn tools() -> Result<()> {
    if !read(&mut cmd("rustup", &["toolchain", "list"]))?.contains("nightly") {
        say("fuzz: rustup toolchain install nightly");
        run(&mut cmd("rustup", &["toolchain", "install", "nightly", "--profile", "minimal"]))?;
    }
    if crate::shell::which("cargo-fuzz").is_none() {
        say("fuzz: cargo install cargo-fuzz");
        run(&mut cmd("rustup", &["run", "nightly", "cargo", "install", "cargo-fuzz", "--locked"]))?;
    }
    Ok(())
}
