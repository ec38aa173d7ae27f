//! `cargo xtask sim --abr`: the choice of renditions beside the rule of hls.js, and docs/renditions.md's table.

use std::{fs, io, path::Path, process::ExitCode, time::Instant};

use sailcast_sim::abr::{
    Figures, Kind, RULES, Session,
    study::{self, Study},
    trace::{self, Trace},
};

const BEGIN: &str = "<!-- begin: cargo xtask sim --abr --write -->\n";
const END: &str = "<!-- end -->\n";
const COLUMNS: usize = 7;
const HEAD: [&str; COLUMNS] =
    ["rule", "Mbit/s", "waiting %", "stalls / h", "changes / min", "start", "behind the edge"];

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
    if write {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        if let Err(error) = write_page(&root, &studies, sessions) {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
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
    let rows = rows(study);
    let width = |i: usize| rows.iter().map(|r| r[i].len()).chain([HEAD[i].len()]).max().unwrap_or(0);
    let line = |cells: &[String]| {
        let padded = cells.iter().enumerate().map(|(i, cell)| match i {
            0 => format!("{cell:<w$}", w = width(i)),
            _ => format!("{cell:>w$}", w = width(i)),
        });
        padded.collect::<Vec<_>>().join("  ") + "\n"
    };
    let mut text = format!("{}, {}: {}\n", study.trace.name, study.kind.name(), study.trace.what);
    text += &line(&HEAD.map(str::to_owned));
    rows.iter().for_each(|row| text += &line(row));
    study.missed().iter().for_each(|missed| text += &format!("  MISSED: {missed}\n"));
    text + "\n"
}

/// The part of the page between the marks; what stands around it stays.
fn write_page(root: &Path, studies: &[Study], sessions: u64) -> io::Result<()> {
    let file = root.join("docs/renditions.md");
    let page = fs::read_to_string(&file)?;
    let parts = page.split_once(BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = parts else {
        return Err(io::Error::other("docs/renditions.md has no marks to write between"));
    };
    fs::write(file, format!("{before}{BEGIN}{}{END}{after}", part(studies, sessions)))
}

fn part(studies: &[Study], sessions: u64) -> String {
    let mut part = format!("\n{sessions} viewers of each rule on each link, three minutes each.\n");
    for study in studies {
        part += &format!("\n**{}, {}**: {}\n\n", study.trace.name, study.kind.name(), study.trace.what);
        part += &format!("| {} |\n|---{}|\n", HEAD.join(" | "), "|--:".repeat(COLUMNS - 1));
        rows(study).iter().for_each(|row| part += &format!("| {} |\n", row.join(" | ")));
        for missed in study.missed() {
            part += &format!("\nMissed: {missed}.\n");
        }
    }
    part + "\n"
}
