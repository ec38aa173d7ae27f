//! `npm test`: everything that must hold, step by step.
//!
//! A failing step does not hide the later ones; those that need its result are skipped. The last line of the output is
//! `N passed, N failed`, counted in steps.

use crate::shell::{at, cargo, cmd, npx, read, read_file, run, say};
use crate::{codecs, fence, package, setup, size, wasm};
use anyhow::{Context, Result, bail};
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Step {
    name: &'static str,
    what: &'static str,
    /// Steps without whose success this one says nothing.
    needs: &'static [&'static str],
    run: fn() -> Result<()>,
}

const STEPS: &[Step] = &[
    Step { name: "setup", what: "tools and packages", needs: &[], run: setup::for_testing },
    Step { name: "fmt", what: "rustfmt", needs: &[], run: fmt },
    Step { name: "clippy", what: "clippy, host and wasm32", needs: &["setup"], run: clippy },
    Step { name: "fence", what: "the pure crates are pure", needs: &[], run: fence::check },
    Step { name: "rust", what: "Rust tests", needs: &["setup"], run: rust },
    Step {
        name: "formats",
        what: "docs/formats.md, with others' demuxers",
        needs: &["setup", "rust"],
        run: formats,
    },
    Step { name: "build", what: "wasm, TypeScript, demo", needs: &["setup"], run: build },
    Step { name: "lint", what: "Biome", needs: &["setup"], run: lint },
    Step { name: "types", what: "TypeScript of the tests", needs: &["build"], run: types },
    Step { name: "unit", what: "the page's side without a browser", needs: &["build"], run: unit },
    Step { name: "codecs", what: "software decoders, in Node", needs: &["setup", "build"], run: decoders },
    Step { name: "size", what: "size budget", needs: &["build"], run: size::check },
    Step { name: "package", what: "what npm would publish", needs: &["build"], run: package::check },
    Step { name: "interop", what: "the relay before other servers", needs: &["build"], run: interop },
    Step { name: "browser", what: "Chromium, on real streams", needs: &["build"], run: browser },
];

/// Not a part of the whole: what they need is large, they are long, and a browser driven from outside wants a machine that does
/// nothing else.
const ON_REQUEST: &[Step] = &[
    Step { name: "hls-window", what: "live HLS for ten minutes", needs: &[], run: hls_window },
    Step { name: "firefox", what: "Firefox publishes and plays", needs: &[], run: firefox },
    Step { name: "webkitgtk", what: "WebKitGTK publishes and plays", needs: &[], run: webkitgtk },
];

enum Outcome {
    Passed(Duration),
    Failed(Duration),
    Skipped(&'static str),
}

/// All steps in order, or the named ones only.
pub fn run_steps(names: &[String]) -> ExitCode {
    let all = || STEPS.iter().chain(ON_REQUEST);
    if let Some(name) = names.iter().find(|name| all().all(|step| step.name != name.as_str())) {
        let known: Vec<&str> = all().map(|step| step.name).collect();
        eprintln!("error: no step {name}; there are: {}", known.join(", "));
        return ExitCode::from(2);
    }
    let chosen: Vec<&Step> = match names {
        [] => STEPS.iter().collect(),
        _ => all().filter(|step| names.iter().any(|name| name == step.name)).collect(),
    };

    let mut done: Vec<(&Step, Outcome)> = Vec::new();
    for (index, step) in chosen.iter().enumerate() {
        eprintln!("\n== {}/{} {}: {}", index + 1, chosen.len(), step.name, step.what);
        let broken = |need: &&str| {
            done.iter().any(|(step, outcome)| step.name == *need && !matches!(outcome, Outcome::Passed(_)))
        };
        let outcome = match step.needs.iter().copied().find(broken) {
            Some(need) => {
                eprintln!("skipped: {need} did not pass");
                Outcome::Skipped(need)
            }
            None => one(step),
        };
        done.push((step, outcome));
    }
    summary(&done)
}

fn one(step: &Step) -> Outcome {
    let start = Instant::now();
    let result = (step.run)();
    let took = start.elapsed();
    match result {
        Ok(()) => {
            eprintln!("passed in {}", seconds(took));
            Outcome::Passed(took)
        }
        Err(error) => {
            eprintln!("error: {error:#}\nfailed after {}", seconds(took));
            Outcome::Failed(took)
        }
    }
}

fn summary(done: &[(&Step, Outcome)]) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    println!();
    for (step, outcome) in done {
        let (word, note) = match outcome {
            Outcome::Passed(took) => {
                passed += 1;
                ("passed", seconds(*took))
            }
            Outcome::Failed(took) => {
                failed += 1;
                ("FAILED", seconds(*took))
            }
            Outcome::Skipped(need) => ("skipped", format!("{need} did not pass")),
        };
        println!("{:<8} {:<8} {:<28} {note}", word, step.name, step.what);
    }
    println!("\n{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn fmt() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    run(&mut cargo(&["fmt", "--manifest-path", "tests/fuzz/Cargo.toml", "--check"]))
}

/// A warning fails on the Rust version that Cargo.toml names. A newer clippy knows lints that nobody here has seen yet:
/// it tells, and the code of yesterday still passes on a machine set up today.
fn clippy() -> Result<()> {
    let manifest = String::from_utf8(read_file(&at("Cargo.toml"))?)?;
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = "));
    let version = version.context("Cargo.toml names no rust-version")?.trim_matches('"');
    let rustc = read(&mut cmd("rustc", &["--version"]))?;
    let ours = rustc.starts_with(&format!("rustc {version}."));
    let level = if ours { "--deny=warnings" } else { "--warn=warnings" };
    if !ours {
        say(format!("clippy: {} is not {version}, so that warnings are shown and do not fail", rustc.trim()));
    }
    run(&mut cargo(&["clippy", "--workspace", "--all-targets", "--", level]))?;
    let mut command = cargo(&["clippy", "--target", "wasm32-unknown-unknown"]);
    command.args(wasm::packages().flat_map(|package| ["--package", package]));
    run(command.args(["--", level]))?;
    fuzz_targets(level)?;
    codecs::clippy(level)
}

/// No more than checked here, they need no libFuzzer, and so no compiler of C++.
fn fuzz_targets(level: &str) -> Result<()> {
    let mut command = cargo(&["clippy", "--manifest-path", "tests/fuzz/Cargo.toml"]);
    command.args(["--target-dir", "target/fuzz", "--", level]);
    run(command.env("CUSTOM_LIBFUZZER_PATH", "/none/libfuzzer.a"))
}

fn rust() -> Result<()> {
    run(&mut cargo(&["test", "--workspace", "--no-fail-fast"]))
}

fn formats() -> Result<()> {
    run(&mut cmd("node", &["tests/conformance/table.mjs"]))
}

fn build() -> Result<()> {
    crate::build()?;
    run(&mut cargo(&["build", "--package", "sailcast-relay"]))
}

fn lint() -> Result<()> {
    run(&mut npx("biome", &["check", "--error-on-warnings"]))
}

fn types() -> Result<()> {
    run(&mut npx("tsc", &["-p", "tsconfig.tests.json"]))
}

fn unit() -> Result<()> {
    node_tests("www/test")
}

fn decoders() -> Result<()> {
    node_tests("tests/codec")
}

fn node_tests(folder: &str) -> Result<()> {
    // Node 22 takes a folder for a module: the files are named.
    let mut tests: Vec<String> = std::fs::read_dir(at(folder))?
        .filter_map(|entry| Some(entry.ok()?.path().display().to_string()))
        .filter(|path| path.ends_with(".test.mjs"))
        .collect();
    tests.sort();
    // One a core: none of them asks the clock.
    run(cmd("node", &["--test", "--test-concurrency=2"]).args(tests))
}

fn interop() -> Result<()> {
    let test =
        ["node_modules/@playwright/test/cli.js", "test", "--config", "tests/interop/playwright.config.ts"];
    run(cmd("node", &test).env("CI", "1"))
}

/// By two browsers at once. What is timed and fails beside another one has the machine to itself the second time.
fn browser() -> Result<()> {
    let config = "tests/browser/playwright.config.ts";
    if !at(config).is_file() {
        bail!("{config} is not there");
    }
    let playwright = |args: &[&str]| {
        let test = ["node_modules/@playwright/test/cli.js", "test", "--config", config];
        run(cmd("node", &test).args(args).env("CI", "1"))
    };
    let untimed = playwright(&["--project", "still pictures", "--project", "behaviour", "--workers", "2"]);
    let timed = ["--project", "pictures and sound"];
    let side_by_side = [&timed[..], &["--workers", "2", "--retries", "0"]].concat();
    let alone = [&timed[..], &["--last-failed"]].concat();
    untimed.and(playwright(&side_by_side).or_else(|_| playwright(&alone)))
}

/// Both kinds at once.
fn hls_window() -> Result<()> {
    let test =
        ["node_modules/@playwright/test/cli.js", "test", "--config", "tests/browser/playwright.config.ts"];
    let which = ["hls-live", "--grep", "window", "--fully-parallel", "--workers", "2"];
    run(cmd("node", &test).args(which).env("SAILCAST_HLS_SECONDS", "600"))
}

/// Once more where it fails: a browser that is driven from outside under load is not always at hand in time.
fn engine(name: &str) -> Result<()> {
    let test = format!("tests/engines/{name}.test.mjs");
    let once = || run(&mut cmd("node", &["--test", &test]));
    once().or_else(|error| {
        say(format!("{name}: {error:#}; once more"));
        once()
    })
}

fn firefox() -> Result<()> {
    setup::firefox()?;
    engine("firefox")
}

fn webkitgtk() -> Result<()> {
    setup::webkitgtk()?;
    engine("webkitgtk")
}
