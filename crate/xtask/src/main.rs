//! `cargo xtask`: builds, checks, tests and serves the project.

mod shell;
mod wasm;
mod web;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, _rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", &[][..]),
    };
    let done = match command {
        "wasm" => wasm::build(),
        "build" => wasm::build().and_then(|()| web::library()).and_then(|()| web::demo()),
        _ => {
            eprintln!("cargo xtask wasm | build");
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
