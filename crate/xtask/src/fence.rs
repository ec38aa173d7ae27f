//! The fence around the pure crates: no browser, no runtime, no platform.
//!
//! `sailcast-media` and `sailcast-engine` depend on nothing that knows where it runs, compile for the host and for
//! wasm32 from the same lines, and so can be tested in virtual time and used anywhere.

use crate::shell::{at, cargo, files, read, read_file, run};
use anyhow::{Result, bail};

const PURE: &[(&str, &str)] = &[("sailcast-media", "crate/media"), ("sailcast-engine", "crate/engine")];
const FORBIDDEN: &[&str] =
    &["wasm-bindgen", "js-sys", "web-sys", "gloo-events", "gloo-timers", "tokio", "web-time"];
const WASM_TARGET: &str = "wasm32-unknown-unknown";

pub fn check() -> Result<()> {
    for (package, folder) in PURE {
        depends_on_nothing_forbidden(package)?;
        has_no_platform_cfg(folder)?;
        run(&mut cargo(&["check", "--package", package]))?;
        run(&mut cargo(&["check", "--package", package, "--target", WASM_TARGET]))?;
        println!("{package}: pure, on the host and on {WASM_TARGET}");
    }
    Ok(())
}

/// `--target all` also shows what a platform's own dependency tables would bring in.
fn depends_on_nothing_forbidden(package: &str) -> Result<()> {
    let tree = read(&mut cargo(&[
        "tree",
        "--package",
        package,
        "--edges",
        "normal,build",
        "--target",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]))?;
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let bad: Vec<&str> = names.filter(|name| FORBIDDEN.contains(name)).collect();
    if !bad.is_empty() {
        bail!("{package} depends on {}: that belongs in crate/web* or crate/relay", bad.join(", "));
    }
    Ok(())
}

fn has_no_platform_cfg(folder: &str) -> Result<()> {
    for file in files(&at(folder).join("src")) {
        let text = String::from_utf8_lossy(&read_file(&file)?).into_owned();
        if let Some(at) =
            text.lines().position(|line| line.contains("cfg(target_") || line.contains("cfg(unix"))
        {
            bail!("{}:{}: the pure crates are the same on every platform", file.display(), at + 1);
        }
    }
    Ok(())
}
