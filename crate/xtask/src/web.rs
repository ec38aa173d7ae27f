//! The JavaScript side: `www/src` to `dist`, and `www/demo` to `dist-demo`.
//!
//! `tsc` checks and compiles, terser shortens; webpack bundles the demo from plain JavaScript, as a user of the package would.

use crate::shell::{at, cmd, files, npx, run, say};
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Compiles the library. `dist/wasm` must be there: its types are part of the check.
pub fn library() -> Result<()> {
    say("ts: tsc and terser, www/src to dist");
    drop_orphans(&at("www/src"), &at("dist"));
    run(&mut npx("tsc", &["-p", "tsconfig.json"]))?;
    run(&mut cmd("node", &["crate/xtask/minify.mjs", "dist"]))
}

/// Compiles and bundles the demo, with the `sailcast` that is in `dist`.
pub fn demo() -> Result<()> {
    say("demo: tsc and webpack, www/demo to dist-demo");
    run(&mut npx("tsc", &["-p", "tsconfig.demo.json"]))?;
    run(&mut npx("webpack", &["--config", "webpack.config.js"]))
}

/// Removes what an earlier build left of sources that are gone: a package must not carry it. `wasm` and `codecs` are not tsc's.
fn drop_orphans(source: &Path, out: &Path) {
    let stems: BTreeSet<PathBuf> =
        files(source).iter().filter_map(|file| Some(stem(file.strip_prefix(source).ok()?))).collect();
    for file in files(out) {
        let Ok(name) = file.strip_prefix(out) else { continue };
        let ours = !name.starts_with("wasm") && !name.starts_with("codecs");
        if ours && !stems.contains(&stem(name)) {
            // At worst it stays until the next build; the package check sees what npm would carry.
            let _ = std::fs::remove_file(&file);
        }
    }
}

/// `internal/ring.ts`, `.js`, `.js.map` and `.d.ts` are all `internal/ring`.
fn stem(name: &Path) -> PathBuf {
    let name = name.with_extension("");
    if name.extension().is_some_and(|end| end == "d" || end == "js") { name.with_extension("") } else { name }
}
