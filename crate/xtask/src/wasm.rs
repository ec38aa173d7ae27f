//! `crate/web` and `crate/web-publisher` to `dist/wasm/`: cargo, then wasm-bindgen, then wasm-opt. Who only plays does not download the
//! publisher, and who only plays streams not the rest of the player.
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

/// Each package, its features, and what its files in `dist/wasm` are named.
const MODULES: &[(&str, &str, &str)] = &[
    ("sailcast-web", "", "streams"),
    ("sailcast-web", "all", "sailcast"),
    ("sailcast-web-publisher", "", "publisher"),
];

pub fn build() -> Result<()> {
    for (package, features, name) in MODULES {
        module(package, features, name)?;
    }
    Ok(())
}

/// For clippy.
pub fn packages() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(package, _, _)| *package)
}

/// Cargo puts what it makes of one package under one name: each is taken before the next is built.
fn module(package: &str, features: &str, name: &str) -> Result<()> {
    say(format!("wasm: cargo build of {package} for {name}"));
    run(cargo(&["build", "--release", "--package", package, "--target", "wasm32-unknown-unknown"])
        .args(["--features", features]))?;

    let file = format!("{}.wasm", package.replace('-', "_"));
    let raw = at("target/wasm32-unknown-unknown/release").join(file);
    let stamp = at(&format!(".cache/wasm-{name}.stamp"));
    let input = read_file(&raw)?;
    // package-lock.json: the versions of wasm-opt and of what shortens the glue.
    let lock = read_file(&at("package-lock.json"))?;
    let inputs = fingerprint(&[&input, OPT_FLAGS.join(" ").as_bytes(), include_bytes!("wasm.rs"), &lock]);
    let folder = at("dist/wasm");
    let [glue_js, glue_types, wasm] =
        [".js", ".d.ts", "_bg.wasm"].map(|end| folder.join(format!("{name}{end}")));
    let whole = [&glue_js, &glue_types, &wasm].iter().all(|path| path.is_file());
    if whole && std::fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
        say(format!("wasm: dist/wasm/{name} is up to date"));
        return Ok(());
    }

    say("wasm: wasm-bindgen");
    let mut bindgen = Bindgen::new();
    let mut glue = bindgen
        .input_bytes(name, input)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen")?;
    write_file(&wasm, &optimised(&glue.wasm_mut().emit_wasm())?)?;
    write_file(&glue_js, &shortened(glue.js())?)?;
    write_file(&glue_types, glue.ts().unwrap_or_default().as_bytes())?;
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
