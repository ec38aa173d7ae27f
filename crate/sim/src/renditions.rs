//! `cargo xtask sim --abr`: the choice of renditions beside the rule of hls.js, and docs/renditions.md's table.

use std::{process::ExitCode, time::Instant};

use sailcast_sim::abr::{
    Figures, Kind, RULES, Session,
    study::{self, Study},
    trace::{self, Trace},
};

use crate::layout;

const BEGIN: &str = "<!-- begin: cargo xtask sim --abr --write -->\n";
const COLUMNS: usize = 8;
const HEAD: [&str; COLUMNS] = [
    "rule",
    "Mbit/s",
    "of the first 10 s",
    "waiting %",
    "stalls / h",
    "changes / min",
    "start",
    "behind the edge",
];

/// `name` for one link, `None` for all.
pub fn run(name: Option<&str>, sessions: u64, seed: u64, write: bool, explain: bool) -> ExitCode {
    let traces = match name {
        None => trace::all(),
        Some(name) => match trace::named(name) {
            Some(trace) => vec![trace],
            None => {
                let names: Vec<_> = trace::all().iter().map(|t| t.name).collect();
                eprintln!("error: no link {name}; there are: {}", names.join(", "));
                return ExitCode::from(2);
            }
        },
    };
    if explain {
        traces.iter().for_each(|trace| tell(trace, seed));
        return ExitCode::SUCCESS;
    }
    let began = Instant::now();
    let studies = study::run(&traces, sessions, seed);
    studies.iter().for_each(|study| print!("{}", text(study)));
    println!("{sessions} viewers of each, in {:.1} s", began.elapsed().as_secs_f64());
    let written = if write {
        layout::write_between("docs/renditions.md", BEGIN, &part(&studies, sessions))
    } else {
        Ok(())
    };
    if let Err(error) = written {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn tell(trace: &Trace, seed: u64) {
    for kind in Kind::ALL {
        for rule in &RULES {
            println!("{}, {}, {}: {}", trace.name, kind.name(), rule.name, trace.what);
            for line in Session::new(trace, kind, rule, seed).run().1 {
                println!("{:>10.3}  {}", line.at, line.what);
            }
        }
    }
}

fn cells(name: &str, kind: Kind, f: &Figures) -> [String; COLUMNS] {
    [
        name.to_owned(),
        format!("{:.2}", f.bitrate() / 1e6),
        format!("{:.2}", f.early_bitrate() / 1e6),
        format!("{:.2}", f.stall_ratio() * 100.0),
        format!("{:.1}", f.stalls_an_hour()),
        format!("{:.1}", f.changes_a_minute()),
        format!("{:.2} s", f.mean_start()),
        if kind == Kind::Vod { String::new() } else { format!("{:.1} s", f.mean_latency()) },
    ]
}

fn rows(study: &Study) -> Vec<[String; COLUMNS]> {
    RULES.iter().zip(&study.rows).map(|(rule, figures)| cells(rule.name, study.kind, figures)).collect()
}

fn text(study: &Study) -> String {
    let mut text = format!("{}, {}: {}\n", study.trace.name, study.kind.name(), study.trace.what);
    text += &layout::columns(HEAD, &rows(study));
    study.missed().iter().for_each(|missed| text += &format!("  MISSED: {missed}\n"));
    text + "\n"
}

fn part(studies: &[Study], sessions: u64) -> String {
    let mut part = format!("\n{sessions} viewers of each rule on each link, three minutes each.\n");
    for study in studies {
        part += &format!("\n**{}, {}**: {}\n\n", study.trace.name, study.kind.name(), study.trace.what);
        part += &layout::markdown(HEAD, &rows(study));
        for missed in study.missed() {
            part += &format!("\nMissed: {missed}.\n");
        }
    }
    part + "\n"
}
