//! A trace's figures as a table, for the terminal and for Markdown.

use sailcast_media::Micros;
use sailcast_sim::{Figures, study::Study};

const COLUMNS: usize = 12;
const HEAD: [&str; COLUMNS] = [
    "policy",
    "first frame",
    "latency p50",
    "p95",
    "behind edge",
    "frozen %",
    "silent %",
    "stalls / 100 s",
    "other rate %",
    "dropped %",
    "back after",
    "verdict",
];

fn ms(value: Micros) -> String {
    format!("{} ms", value.0 / 1000)
}

fn row(study: &Study, i: usize) -> [String; COLUMNS] {
    let (name, f): &(&str, Figures) = &study.rows[i];
    let back = match (f.never_back, f.back_after.percentile(0.95)) {
        (0, Micros(0)) => String::new(),
        (0, slow) => format!("{:.1} s", slow.as_secs_f64()),
        (never, _) => format!("{never}x never"),
    };
    let better = study.dominated_by(i);
    [
        (*name).to_owned(),
        ms(f.first_frame.percentile(0.5)),
        ms(f.latency.percentile(0.5)),
        ms(f.latency.percentile(0.95)),
        ms(f.edge_latency.percentile(0.5)),
        format!("{:.2}", f.frozen_ratio() * 100.0),
        format!("{:.2}", f.silent_ratio() * 100.0),
        format!("{:.2}", f.stalls_per_100_s()),
        format!("{:.1}", f.altered_ratio() * 100.0),
        format!("{:.2}", f.dropped_ratio() * 100.0),
        back,
        if better.is_empty() { String::new() } else { format!("dominated by {}", better.join(", ")) },
    ]
}

pub fn rows(study: &Study) -> Vec<[String; COLUMNS]> {
    (0..study.rows.len()).map(|i| row(study, i)).collect()
}

pub fn text(study: &Study) -> String {
    let rows = rows(study);
    let mut widths = HEAD.map(|h| h.chars().count());
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let mut text = String::new();
        for (i, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
            let padded = if i == 0 || i == COLUMNS - 1 {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            };
            text.push_str(&padded);
            text.push_str("  ");
        }
        text.trim_end().to_owned() + "\n"
    };
    let mut text = format!("{}: {}\n", study.trace.name, study.trace.what);
    text += &line(HEAD.to_vec());
    for row in &rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    for missed in study.missed() {
        text += &format!("  MISSED: {missed}\n");
    }
    text
}

pub fn markdown(study: &Study) -> String {
    let mut text = format!("| {} |\n|---{}|\n", HEAD.join(" | "), "|--:".repeat(COLUMNS - 2) + "|---");
    for row in rows(study) {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}
