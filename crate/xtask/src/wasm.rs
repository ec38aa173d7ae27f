//! `crate/web` to `dist/wasm/`: cargo, then wasm-bindgen, then wasm-opt.
//!
//! wasm-bindgen runs as a library of the version that the crate itself is built with: one Cargo.lock keeps the two
//! together. wasm-opt takes a while, so its output is kept in `.cache/` under the fingerprint of its input.

use crate::shell::{at, cargo, fingerprint, npx, read_file, run, say, write_file};
use anyhow::{Context, Result};
use std::path::PathBuf;
use wasm_bindgen_cli_support::Bindgen;

/// The features that every browser with WebCodecs has; wasm-opt must be told which ones it may keep and use.
const OPT_FLAGS: &[&str] = &[
    "-Oz",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--strip-debug",
    "--strip-producers",
    "--strip-target-features",
];

pub fn build() -> Result<()> {
    say("wasm: cargo build of sailcast-web");
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "sailcast-web",
        "--target",
        "wasm32-unknown-unknown",
    ]))?;

    let raw = at("target/wasm32-unknown-unknown/release/sailcast_web.wasm");
    let stamp = at(".cache/wasm.stamp");
    let input = read_file(&raw)?;
    // package-lock.json: the versions of wasm-opt and of what shortens the glue.
    let lock = read_file(&at("package-lock.json"))?;
    let inputs = fingerprint(&[&input, OPT_FLAGS.join(" ").as_bytes(), include_bytes!("wasm.rs"), &lock]);
    let outputs = ["sailcast.js", "sailcast.d.ts", "sailcast_bg.wasm"];
    let whole = outputs.iter().all(|name| at("dist/wasm").join(name).is_file());
    if whole && std::fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
        say("wasm: dist/wasm is up to date");
        return Ok(());
    }

    say("wasm: wasm-bindgen");
    let mut bindgen = Bindgen::new();
    let mut glue = bindgen
        .input_bytes("sailcast", input)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen")?;
    let wasm = optimised(&glue.wasm_mut().emit_wasm())?;
    write_file(&at("dist/wasm/sailcast_bg.wasm"), &wasm)?;
    write_file(&at("dist/wasm/sailcast.js"), &shortened(glue.js())?)?;
    write_file(&at("dist/wasm/sailcast.d.ts"), glue.ts().unwrap_or_default().as_bytes())?;
    write_file(&stamp, inputs.as_bytes())
}

/// The glue is generated, and nobody's to read: without comments and long names.
fn shortened(glue: &str) -> Result<Vec<u8>> {
    let (long, short) = (at(".cache/wasm/long.js"), at(".cache/wasm/short.js"));
    write_file(&long, glue.as_bytes())?;
    let how = ["--module", "--ecma", "2022", "--compress", "passes=2", "--mangle", "--output"];
    run(npx("terser", &how).arg(&short).arg("--").arg(&long))?;
    read_file(&short)
}

/// wasm-opt's answer for these bytes, from the cache when it has been asked before.
fn optimised(wasm: &[u8]) -> Result<Vec<u8>> {
    let version = read_file(&at("node_modules/binaryen/package.json"))?;
    let key = fingerprint(&[wasm, OPT_FLAGS.join(" ").as_bytes(), &version]);
    let dir = at(".cache/wasm-opt");
    let done: PathBuf = dir.join(format!("{key}.wasm"));
    if done.is_file() {
        say("wasm: wasm-opt (from the cache)");
        return read_file(&done);
    }
    say("wasm: wasm-opt");
    // Names of its own: two builds may run side by side.
    let own = std::process::id();
    let before = dir.join(format!("{key}.{own}.in"));
    let after = dir.join(format!("{key}.{own}.out"));
    write_file(&before, wasm)?;
    run(npx("wasm-opt", OPT_FLAGS).arg(&before).arg("-o").arg(&after))?;
    // Under its final name only when whole: an interrupted run leaves nothing that looks finished.
    std::fs::rename(&after, &done).with_context(|| format!("cannot make {}", done.display()))?;
    std::fs::remove_file(&before).with_context(|| format!("cannot remove {}", before.display()))?;
    read_file(&done)
}
