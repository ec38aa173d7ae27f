//! The software codecs, decoders and an encoder: each package `sailcast-codec-*` that is a cdylib to `dist/codecs/NAME.wasm`, and to
//! `dist/codecs/NAME.scalar.wasm` for browsers without WebAssembly's SIMD.
//!
//! wasm-opt is not asked: on what LLVM makes at its highest level it saves 3 % of the bytes, and no time.
//!
//! **Invariant:** what lies in `dist/codecs` imports nothing, has a maximum of memory, and uses no feature beyond those of
//! [`features`]. Nothing here knows what a module decodes.

use crate::shell::{at, cargo, files, read, read_file, run, say, write_file};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

const TARGET: &str = "wasm32-unknown-unknown";
const PREFIX: &str = "sailcast-codec-";
const FOLDER: &str = "dist/codecs";
const FLAVOURS: [Flavour; 2] = [Flavour::Simd, Flavour::Scalar];
/// Those that hold pictures.
const VIDEO: &[&str] = &["h264", "hevc"];
/// HEVC of 4096x2304 at 10 bits, with as many pictures kept as its level allows, takes 380 MB.
const VIDEO_MEMORY: u64 = 512 << 20;
const AUDIO_MEMORY: u64 = 64 << 20;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Simd,
    Scalar,
}

impl Flavour {
    /// Cargo puts the modules of both under one name: each has a target folder of its own.
    fn target_dir(self) -> &'static str {
        match self {
            Self::Simd => "target/codecs/simd",
            Self::Scalar => "target/codecs/scalar",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Simd => "wasm",
            Self::Scalar => "scalar.wasm",
        }
    }

    /// Our own list in place of `.cargo/config.toml`'s, which is for web-sys.
    fn rustflags(self, memory: u64) -> String {
        let memory = format!("link-arg=--max-memory={memory}");
        let mut flags = vec!["-C", &memory, "-C", "strip=symbols"];
        if self == Self::Simd {
            flags.extend(["-C", "target-feature=+simd128"]);
        }
        flags.join("\x1f")
    }
}

/// All that there are, by what follows the prefix of the package.
pub fn names() -> Result<Vec<String>> {
    let json = read(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let json: serde_json::Value = serde_json::from_str(&json).context("cargo metadata")?;
    let is_module = |package: &serde_json::Value| {
        let targets = package["targets"].as_array().into_iter().flatten();
        let mut kinds = targets.flat_map(|target| target["kind"].as_array().into_iter().flatten());
        kinds.any(|kind| kind == "cdylib")
    };
    let packages = json["packages"].as_array().context("cargo metadata lists no packages")?;
    let found = packages.iter().filter(|package| is_module(package));
    let mut names: Vec<String> = found
        .filter_map(|package| Some(package["name"].as_str()?.strip_prefix(PREFIX)?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// The named ones, or all. `dist/` is locked by the caller.
pub fn build(chosen: &[String]) -> Result<()> {
    let all = names()?;
    if let Some(name) = chosen.iter().find(|name| !all.contains(name)) {
        bail!("there is no codec {name}, only {}", all.join(", "));
    }
    let names = if chosen.is_empty() { &all } else { chosen };
    for flavour in FLAVOURS {
        // Several packages a call: the linker's work on one fills one core only.
        let (video, audio): (Vec<&str>, Vec<&str>) =
            names.iter().map(String::as_str).partition(|name| VIDEO.contains(name));
        compile(&video, flavour, VIDEO_MEMORY)?;
        compile(&audio, flavour, AUDIO_MEMORY)?;
        for name in names {
            finish(name, flavour)?;
        }
    }
    drop_orphans()
}

fn compile(names: &[&str], flavour: Flavour, memory: u64) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    say(format!("codecs: {} ({})", names.join(", "), flavour.ending()));
    let mut command = cargo(&["build", "--release", "--lib", "--target", TARGET]);
    command.args(["--target-dir", flavour.target_dir()]);
    command.env("CARGO_ENCODED_RUSTFLAGS", flavour.rustflags(memory));
    for name in names {
        command.args(["--package", &format!("{PREFIX}{name}")]);
    }
    run(&mut command)
}

/// Of the modules as they are built, with what the build has compiled already.
pub fn clippy(level: &str) -> Result<()> {
    let flavour = Flavour::Simd;
    let mut command = cargo(&["clippy", "--release", "--lib", "--target", TARGET]);
    command.args(["--target-dir", flavour.target_dir()]);
    command.env("CARGO_ENCODED_RUSTFLAGS", flavour.rustflags(VIDEO_MEMORY));
    for name in names()? {
        command.args(["--package", &format!("{PREFIX}{name}")]);
    }
    run(command.args(["--", level]))
}

/// From what the linker made to what is shipped.
fn finish(name: &str, flavour: Flavour) -> Result<()> {
    let module = format!("{PREFIX}{name}.wasm").replace('-', "_");
    let raw = read_file(&at(flavour.target_dir()).join(TARGET).join("release").join(module))?;
    check(&raw, flavour).with_context(|| format!("{name}.{}", flavour.ending()))?;
    write_file(&at(&out(name, flavour)), &raw)
}

fn out(name: &str, flavour: Flavour) -> String {
    format!("{FOLDER}/{name}.{}", flavour.ending())
}

/// All that a build leaves.
pub fn outputs() -> Result<Vec<String>> {
    Ok(names()?.iter().flat_map(|name| FLAVOURS.map(|flavour| out(name, flavour))).collect())
}

/// What every browser knows that has WebAssembly's SIMD, or, without it, nearly every browser that has WebAssembly.
fn features(flavour: Flavour) -> WasmFeatures {
    let mut features = WasmFeatures::WASM1
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION;
    features.set(WasmFeatures::SIMD, flavour == Flavour::Simd);
    features
}

fn check(wasm: &[u8], flavour: Flavour) -> Result<()> {
    Validator::new_with_features(features(flavour)).validate_all(wasm)?;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload? {
            Payload::ImportSection(imports) => {
                let first = imports.into_imports().next().transpose()?;
                let first = first.map(|import| format!("{}.{}", import.module, import.name));
                ensure!(
                    first.is_none(),
                    "a module imports nothing, and this one {}",
                    first.unwrap_or_default()
                );
            }
            Payload::MemorySection(memories) => {
                for memory in memories {
                    ensure!(memory?.maximum.is_some(), "the memory has no maximum");
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Removes the modules of codecs that are gone: a package must not carry them.
fn drop_orphans() -> Result<()> {
    let wanted: Vec<PathBuf> = outputs()?.iter().map(|name| at(name)).collect();
    for file in files(&at(FOLDER)).iter().filter(|file| !wanted.contains(file)) {
        std::fs::remove_file(file).with_context(|| format!("cannot remove {}", file.display()))?;
    }
    Ok(())
}
