//! Figures as text: in columns for the terminal, as Markdown, and between the marks of a page.

use std::{fs, io, path::Path};

const END: &str = "<!-- end -->\n";

/// The first column to the left, the others to the right.
pub fn columns<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let widths: [usize; N] = std::array::from_fn(|i| {
        [&head].into_iter().chain(rows).map(|row| row[i].chars().count()).max().unwrap_or(0)
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).enumerate().map(|(i, (cell, width))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    [&head].into_iter().chain(rows).map(line).collect()
}

/// The same for a page.
pub fn markdown<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let begin = format!("| {} |\n|---{}|\n", head.join(" | "), "|--:".repeat(N - 1));
    rows.iter().fold(begin, |text, row| text + &format!("| {} |\n", row.join(" | ")))
}

/// Writes the part of `page` between the mark `begin` and the next end; what stands around it stays.
pub fn write_between(page: &str, begin: &str, part: &str) -> io::Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let text = fs::read_to_string(&file)?;
    let around = text.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let Some((before, after)) = around else {
        return Err(io::Error::other(format!("{page} has no marks to write between")));
    };
    fs::write(file, format!("{before}{begin}{part}{END}{after}"))
}
