//! `cargo xtask sim --publish`: the uplink beside a plain policy, and its part of docs/publishing.md.

use std::{process::ExitCode, time::Instant};

use sailcast_media::Micros;
use sailcast_sim::uplink::{
    Figures, Policy, Session,
    study::{self, LATEST_BACK, LATEST_LOWERED, LEAST_USED, LONGEST_DELAY, MOST_BACK, MOST_CHANGES, Study},
    trace::{self, Course, Trace},
};

use crate::layout;

const BEGIN: &str = "<!-- begin: cargo xtask sim --publish --write -->\n";
const COLUMNS: usize = 12;
const HEAD: [&str; COLUMNS] = [
    "policy",
    "link used %",
    "delay p50",
    "p95",
    "p99",
    "lowered after",
    "back after",
    "changes / min",
    "pictures / s",
    "frozen %",
    "dropped %",
    "sound lost %",
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
    for study in &studies {
        print!("{}", text(study));
    }
    println!("{sessions} sessions of each, in {:.1} s", began.elapsed().as_secs_f64());
    let written = if write {
        layout::write_between("docs/publishing.md", BEGIN, &part(&studies, sessions))
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
    for policy in Policy::ALL {
        println!("{}, {}: {}", trace.name, policy.name(), trace.what);
        for line in Session::new(trace, policy, seed).explain() {
            println!("{:>10.3}  {}", line.at.as_secs_f64(), line.what);
        }
    }
}

fn cells(study: &Study, policy: Policy, f: &Figures) -> [String; COLUMNS] {
    let ms = |value: Micros| format!("{} ms", value.0 / 1000);
    let stepped = matches!(study.trace.course, Course::Step { .. });
    let after = |never: u64, value: Micros| match (stepped, never) {
        (false, _) => String::new(),
        (true, 0) => format!("{:.1} s", value.as_secs_f64()),
        (true, never) => format!("{never} of {} never", f.sessions),
    };
    [
        policy.name().to_owned(),
        format!("{:.0}", f.used() * 100.0),
        ms(f.delay.percentile(0.5)),
        ms(f.delay.percentile(0.95)),
        ms(f.delay.percentile(0.99)),
        after(f.never_lowered, f.lowered_after.percentile(0.95)),
        after(f.never_back, f.back_after.percentile(0.95)),
        format!("{:.1}", f.changes_a_minute()),
        format!("{:.1}", f.fps()),
        format!("{:.1}", f.frozen_ratio() * 100.0),
        format!("{:.1}", f.dropped_ratio() * 100.0),
        format!("{:.1}", f.sound_lost() * 100.0),
    ]
}

fn rows(study: &Study) -> Vec<[String; COLUMNS]> {
    study.rows.iter().map(|(policy, figures)| cells(study, *policy, figures)).collect()
}

fn text(study: &Study) -> String {
    let mut text = format!("{}: {}\n", study.trace.name, study.trace.what);
    text += &layout::columns(HEAD, &rows(study));
    for missed in study.missed().iter().take(8) {
        text += &format!("  MISSED: {missed}\n");
    }
    text + "\n"
}

fn part(studies: &[Study], sessions: u64) -> String {
    let mut part = format!("\n{sessions} sessions of each policy on each link.\n");
    part += &format!(
        "\nTargets, with acknowledgements: the delay's p95 at most {} ms on links that carry the lowest bitrate; {:.0} % of a steady \
         link used; lowered within {:.0} s of a step down, and back at 90 % within {:.0} s of a step up (in {:.0} % of \
         the sessions); at most \
         {MOST_CHANGES} changes a minute on a steady link; no sound given up on links that carry the lowest bitrate. With and \
         without them: no delta after a lost reference, and dts never goes back. ",
        LONGEST_DELAY.0 / 1000,
        LEAST_USED * 100.0,
        LATEST_LOWERED.as_secs_f64(),
        LATEST_BACK.as_secs_f64(),
        MOST_BACK * 100.0,
    );
    let missed: Vec<String> = studies
        .iter()
        .flat_map(|s| s.missed().into_iter().map(move |m| format!("- missed on **{}**: {m}\n", s.trace.name)))
        .collect();
    match missed.is_empty() {
        true => {
            part +=
                "All are met; `cargo test -p sailcast-sim --test uplink` asserts them on fewer sessions.\n"
        }
        false => part += &format!("Not all are met:\n\n{}", missed.concat()),
    }
    for study in studies {
        part += &format!("\n**{}**: {}\n\n", study.trace.name, study.trace.what);
        part += &layout::markdown(HEAD, &rows(study));
    }
    part + "\n"
}
