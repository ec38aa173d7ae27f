//! `cargo xtask`: sets up, builds, checks, tests and serves the project.
//!
//! Read this file for what there is; each command is a module of its own name. The order of the work and what it needs
//! is written here and nowhere else: package.json, CI and the documents only call these commands.

mod codecs;
mod dev;
mod fence;
mod fixtures;
mod fuzz;
mod package;
mod packets;
mod setup;
mod shell;
mod sim;
mod size;
mod test;
mod wasm;
mod web;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask COMMAND

  setup                      install what building and testing need, if it is missing
  build                      wasm, codecs, TypeScript and demo: dist/ and dist-demo/
  wasm                       only crate/web and crate/web-publisher to dist/wasm/
  codecs [NAME...]           only crate/codec to dist/codecs/: all, or the named ones
  ts                         only www/src to dist/ and www/demo to dist-demo/
  dev [PORT]                 build, then serve the demo with its own live channel (npm start)
  test [STEP...]             all checks and tests, or the named steps (npm test)
  size                       dist/ against size-budget.json
  fixtures                   make the media of tests and demo again (needs ffmpeg)
  fuzz [TARGET] [SECONDS]    cargo-fuzz, each target for 60 seconds
  bench [protocols] ARGS...  tests/bench/bench.mjs, or protocols.mjs there
  soak [MINUTES]             what playing for long does to memory: 10 minutes, or as many
  sim ARGS...                the engine beside other policies, over seeded networks (--help)
  packets FILE...            what the demuxer makes of media files, one JSON object a line
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let done = match command {
        "setup" => setup::for_testing(),
        "build" => setup::for_building().and_then(|()| build()).and_then(|()| size::check()),
        "wasm" => setup::for_building().and_then(|()| shell::lock()).and_then(|_lock| wasm::build()),
        "codecs" => setup::for_building().and_then(|()| shell::lock()).and_then(|_lock| codecs::build(rest)),
        "ts" => shell::lock().and_then(|_lock| web::library().and_then(|()| web::demo())),
        "dev" => dev::serve(rest),
        "test" => return test::run_steps(rest),
        "size" => size::check(),
        "fixtures" => fixtures::make(),
        "fuzz" => fuzz::run_targets(rest),
        "bench" => bench(rest),
        "soak" => soak(rest),
        "sim" => sim::run(rest),
        "packets" => return packets::run(rest),
        "help" | "-h" | "--help" => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("error: no command {command}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// All that the package and the demo are made of, in the order that one needs the other.
fn build() -> anyhow::Result<()> {
    let _lock = shell::lock()?;
    wasm::build()?;
    codecs::build(&[])?;
    web::library()?;
    web::demo()
}

fn bench(args: &[String]) -> anyhow::Result<()> {
    let (script, args) = match args {
        [first, rest @ ..] if first == "protocols" => ("tests/bench/protocols.mjs", rest),
        _ => ("tests/bench/bench.mjs", args),
    };
    shell::run(shell::cmd("node", &[script]).args(args))
}

/// tests/browser/soak.spec.ts, with `dist/` as it is.
fn soak(args: &[String]) -> anyhow::Result<()> {
    let minutes = match args {
        [] => "10",
        [minutes] if minutes.parse::<f64>().is_ok_and(|minutes| minutes > 0.0) => minutes,
        _ => anyhow::bail!("soak takes a number of minutes"),
    };
    shell::run(&mut shell::cargo(&["build", "-p", "sailcast-relay"]))?;
    let config = "tests/browser/playwright.config.ts";
    let playwright = ["node_modules/@playwright/test/cli.js", "test", "--config", config, "soak"];
    shell::run(shell::cmd("node", &playwright).env("SAILCAST_SOAK_MINUTES", minutes))
}
