//! `cargo xtask sim --definitions`: the choice between the definitions of a live stream, and docs/renditions.md's table of it.

use std::process::ExitCode;

use sailcast_sim::site::study::{self, Figures, RULES};

use crate::layout;

const BEGIN: &str = "<!-- begin: cargo xtask sim --definitions --write -->\n";
const HEAD: &str = "| link | chosen by | Mbit/s | waiting % | stalls / h | changes / min | behind the edge |\n|---|---|--:|--:|--:|--:|--:|\n";

pub fn run(sessions: u64, seed: u64, write: bool) -> ExitCode {
    let traces = study::all();
    let mut table = HEAD.to_owned();
    for trace in &traces {
        for ((rule, _), figures) in RULES.iter().zip(study::run(trace, sessions, seed)) {
            table += &row(trace.name, rule, &figures);
        }
    }
    let links = traces.iter().map(|trace| format!("- **{}**: {}\n", trace.name, trace.what));
    let part = format!(
        "\n{sessions} viewers of each on each link, three minutes each:\n\n{}\n{table}\n",
        links.collect::<String>()
    );
    print!("{part}");
    match if write { layout::write_between("docs/renditions.md", BEGIN, &part) } else { Ok(()) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn row(link: &str, rule: &str, f: &Figures) -> String {
    format!(
        "| {link} | {rule} | {:.2} | {:.2} | {:.0} | {:.1} | {:.2} s |\n",
        f.bitrate() / 1e6,
        f.stall_ratio() * 100.0,
        f.stalls_an_hour(),
        f.changes_a_minute(),
        f.mean_latency()
    )
}
