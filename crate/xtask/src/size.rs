//! What a viewer downloads, against size-budget.json.
//!
//! Each file is compressed alone, as a server would, and counts for the first entry that it fits. Sizes are counted in units
//! of 1000 bytes.

use crate::shell::{at, files, read_file};
use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};
use std::{io::Write, path::PathBuf};

/// One line of the budget: all files of `dist`, or of a folder in it, that end so and are in no line before.
struct Budget {
    what: String,
    folder: String,
    ending: String,
    gzip: usize,
}

pub fn check() -> Result<()> {
    let dist = at("dist");
    let mut over = Vec::new();
    let mut files = files(&dist);
    println!("{:<36} {:>9} {:>9} {:>9}", "dist/", "bytes", "gzip", "budget");
    for budget in budgets()? {
        let mut total = 0;
        let mut bytes = 0;
        let folder = dist.join(&budget.folder);
        let fits =
            |file: &PathBuf| file.starts_with(&folder) && file.to_string_lossy().ends_with(&budget.ending);
        let (found, others): (Vec<_>, Vec<_>) = files.into_iter().partition(fits);
        files = others;
        for file in found {
            let content = read_file(&file)?;
            let packed = gzip(&content)?;
            let name = file.strip_prefix(&dist).unwrap_or(&file).display().to_string();
            println!("  {name:<34} {:>9} {packed:>9}", content.len());
            bytes += content.len();
            total += packed;
        }
        let verdict = if total > budget.gzip { "OVER" } else { "ok" };
        println!("{:<36} {bytes:>9} {total:>9} {:>9} {verdict}", budget.what, budget.gzip);
        // Before the codecs' first build there are none.
        if total == 0 && budget.folder != "codecs" {
            bail!("dist has no {} files: run `cargo xtask build` first", budget.ending);
        }
        if total > budget.gzip {
            over.push(format!("{} is {} bytes over its budget", budget.what, total - budget.gzip));
        }
    }
    if !over.is_empty() {
        bail!("{} (size-budget.json)", over.join("; "));
    }
    Ok(())
}

fn budgets() -> Result<Vec<Budget>> {
    let json: serde_json::Value =
        serde_json::from_slice(&read_file(&at("size-budget.json"))?).context("size-budget.json")?;
    let entry = |value: &serde_json::Value| {
        Some(Budget {
            what: value["what"].as_str()?.to_owned(),
            folder: value["folder"].as_str().unwrap_or_default().to_owned(),
            ending: value["ending"].as_str()?.to_owned(),
            gzip: usize::try_from(value["gzip"].as_u64()?).ok()?,
        })
    };
    let list = json.as_array().and_then(|list| list.iter().map(entry).collect());
    list.context("size-budget.json: a list of { what, folder?, ending, gzip } is expected")
}

fn gzip(content: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}
