//! `cargo xtask sim`: the engine beside the policies of others, over seeded networks, in virtual time.

mod definitions;
mod layout;
mod page;
mod plot;
mod publish;
mod renditions;
mod table;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use sailcast_sim::{Session, auto, study, trace};

const HELP: &str = "\
cargo xtask sim [--trace NAME] [--sessions N] [--seed S] [--write] [--explain]

  --trace NAME     one trace only; without it, all
  --sessions N     sessions a trace (long ones have fewer)
  --seed S         another seed, other weather
  --write          docs/latency.md and its plots
  --explain        one session of the engine on the trace, told as it happens
  --abr            the choice of renditions beside the rule of hls.js, and docs/renditions.md
  --definitions    the choice between the definitions of a live stream, and docs/renditions.md
  --publish        publishing instead of playing: the uplink over seeded links, and docs/publishing.md
";
const SESSIONS: usize = 150;
const PUBLISHED: usize = 50;
const VIEWERS: usize = 30;

struct Args {
    trace: Option<String>,
    sessions: Option<usize>,
    seed: u64,
    write: bool,
    explain: bool,
    publish: bool,
    abr: bool,
    definitions: bool,
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("error: {error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if args.abr {
        let sessions = args.sessions.unwrap_or(PUBLISHED) as u64;
        return renditions::run(args.trace.as_deref(), sessions, args.seed, args.write, args.explain);
    }
    if args.definitions {
        return definitions::run(args.sessions.unwrap_or(VIEWERS) as u64, args.seed, args.write);
    }
    if args.publish {
        let sessions = args.sessions.unwrap_or(PUBLISHED) as u64;
        return publish::run(args.trace.as_deref(), sessions, args.seed, args.write, args.explain);
    }
    let traces = match &args.trace {
        None => trace::all(),
        Some(name) => match trace::named(name) {
            Some(trace) => vec![trace],
            None => {
                let names: Vec<_> = trace::all().iter().map(|t| t.name).collect();
                eprintln!("error: no trace {name}; there are: {}", names.join(", "));
                return ExitCode::from(2);
            }
        },
    };
    if args.explain {
        for trace in &traces {
            println!("{}: {}", trace.name, trace.what);
            for line in Session::new(trace, args.seed).explain(auto()) {
                println!("{:>10.3}  {}", line.at.as_secs_f64(), line.what);
            }
        }
        return ExitCode::SUCCESS;
    }
    let began = Instant::now();
    let studies = study::run(&traces, args.sessions.unwrap_or(SESSIONS), args.seed);
    let sessions: u64 = studies.iter().flat_map(|s| &s.rows).map(|(_, f)| f.sessions).sum();
    let watched: f64 = studies.iter().flat_map(|s| &s.rows).map(|(_, f)| f.watched.as_secs_f64()).sum();
    for study in &studies {
        println!("{}", table::text(study));
    }
    println!(
        "{sessions} sessions, {:.0} hours of playback in {:.1} s",
        watched / 3600.0,
        began.elapsed().as_secs_f64()
    );
    if args.write {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        if let Err(error) = page::write(&root, &studies, args.seed) {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn parse() -> Result<Option<Args>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut args = Args {
        trace: None,
        sessions: None,
        seed: 1,
        write: false,
        explain: false,
        publish: false,
        abr: false,
        definitions: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("trace") => args.trace = Some(parser.value()?.string()?),
            Long("sessions") => args.sessions = Some(parser.value()?.parse()?),
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("write") => args.write = true,
            Long("explain") => args.explain = true,
            Long("publish") => args.publish = true,
            Long("abr") => args.abr = true,
            Long("definitions") => args.definitions = true,
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(args))
}
