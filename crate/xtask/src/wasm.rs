//! `crate/web` and `crate/web-publisher` to `dist/wasm/`: cargo, then wasm-bindgen, then wasm-opt. Who only plays does not download the
//! publisher, and who only plays streams not the rest of the player. The player's two modules share one glue, so that one worker's
//! script starts either.
//!
//! wasm-bindgen runs as a library of the version that the crate itself is built with: one Cargo.lock keeps the two
//! together. wasm-opt takes a while, so its output is kept in `.cache/` under the fingerprint of its input.

use crate::shell::{at, cargo, fingerprint, npx, read_file, run, say, write_file};
use anyhow::{Context, Result, ensure};
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

/// One file of `dist/wasm`.
struct Module {
    package: &'static str,
    features: &'static str,
    name: &'static str,
    /// Whose glue it takes, which is built before it; that of the same name is its own.
    glue: &'static str,
}

const MODULES: &[Module] = &[
    Module { package: "sailcast-web", features: "all", name: "sailcast", glue: "sailcast" },
    Module { package: "sailcast-web", features: "", name: "streams", glue: "sailcast" },
    Module { package: "sailcast-web-publisher", features: "", name: "publisher", glue: "publisher" },
];

/// How wasm-bindgen names the ways into closures, with a hash behind it that is another one in each build.
const CLOSURE: &str = "wasm_bindgen__convert__closures_";

pub fn build() -> Result<()> {
    for module in MODULES {
        make(module)?;
        let Module { name, glue, .. } = module;
        ensure!(is_part(name, glue)?, "the wasm of {name} does not fit the glue of {glue}");
    }
    Ok(())
}

/// For clippy.
pub fn packages() -> impl Iterator<Item = &'static str> {
    MODULES.iter().filter(|module| module.name == module.glue).map(|module| module.package)
}

/// Cargo puts what it makes of one package under one name: each is taken before the next is built.
fn make(Module { package, features, name, glue }: &Module) -> Result<()> {
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
    let [glue_js, glue_types] = [".js", ".d.ts"].map(|end| folder.join(format!("{glue}{end}")));
    let wasm = folder.join(format!("{name}_bg.wasm"));
    let whole = [&glue_js, &glue_types, &wasm, &own_glue(name)].iter().all(|path| path.is_file());
    if whole && std::fs::read_to_string(&stamp).is_ok_and(|old| old == inputs) {
        say(format!("wasm: dist/wasm/{name} is up to date"));
        return Ok(());
    }

    say("wasm: wasm-bindgen");
    let mut bindgen = Bindgen::new();
    let mut output = bindgen
        .input_bytes(glue, input)
        .web(true)?
        .omit_default_module_path(true)
        .typescript(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate_output()
        .context("wasm-bindgen")?;
    let mut js = output.js().to_owned();
    for (i, hashed) in closures(&js).iter().enumerate() {
        let number = format!("closure{i}");
        js = js.replace(hashed, &number);
        output.wasm_mut().exports.iter_mut().filter(|export| export.name == *hashed).for_each(|export| {
            export.name.clone_from(&number);
        });
    }
    write_file(&own_glue(name), js.as_bytes())?;
    write_file(&wasm, &optimised(&output.wasm_mut().emit_wasm())?)?;
    if name == glue {
        write_file(&glue_js, &shortened(&js)?)?;
        write_file(&glue_types, output.ts().unwrap_or_default().as_bytes())?;
    }
    write_file(&stamp, inputs.as_bytes())
}

/// As it was generated for this module.
fn own_glue(name: &str) -> PathBuf {
    at(&format!(".cache/wasm/{name}.js"))
}

/// The other glue does all that the own one of this module does: each function and class of this one is one of the other,
/// with more in it at most.
fn is_part(name: &str, other: &str) -> Result<bool> {
    let [own, other] = [name, other].map(|name| std::fs::read_to_string(own_glue(name)));
    let (own, other) = (own?, other?);
    let code = |part| str::lines(part).filter(|line| !line.trim_start().starts_with("//"));
    let has = |part| {
        other.split("\n}\n").any(|other| {
            let mut others = code(other);
            code(part).all(|line| others.any(|other| other == line))
        })
    };
    Ok(own.split("\n}\n").all(has))
}

/// The names of the ways into closures, in the order of their use, which depends on no hash.
fn closures(js: &str) -> Vec<String> {
    let words = js.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let mut names = Vec::new();
    for name in words.filter(|word| word.starts_with(CLOSURE)) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
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
