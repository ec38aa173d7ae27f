//! What must be on the machine, installed when it is not.
//!
//! Each part looks first and returns at once when there is nothing to do. Building and serving need Rust, Node's packages and
//! clang only; the browsers, ffmpeg and nginx are for the tests.

use crate::shell::{at, cmd, read, read_file, run, say, which};
use anyhow::{Context, Result, bail};
use std::path::Path;

const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The oldest Node that the tools of package-lock.json run on.
const OLDEST_NODE: u32 = 20;
/// A program that the build needs, and the Debian package that has it: openh264 is C++.
const BUILD_PROGRAMS: &[(&str, &str)] = &[("clang++-19", "clang-19"), ("llvm-ar-19", "llvm-19")];
/// The same of the tests.
const TEST_PROGRAMS: &[(&str, &str)] = &[
    ("/usr/bin/chromium", "chromium"),
    ("ffmpeg", "ffmpeg"),
    ("/usr/sbin/nginx", "nginx-light"),
    ("/usr/lib/nginx/modules/ngx_rtmp_module.so", "libnginx-mod-rtmp"),
];
/// The same of Firefox.
const FIREFOX_PROGRAMS: &[(&str, &str)] =
    &[("/usr/bin/firefox-esr", "firefox-esr"), ("pulseaudio", "pulseaudio")];
/// The same of WebKitGTK, with hundreds of megabytes of others.
const WEBKITGTK_PROGRAMS: &[(&str, &str)] = &[
    ("WebKitWebDriver", "webkit2gtk-driver"),
    ("Xvfb", "xvfb"),
    ("xauth", "xauth"),
    ("dbus-run-session", "dbus"),
];

/// All that `cargo xtask build` and `dev` need.
pub fn for_building() -> Result<()> {
    rust()?;
    debian_packages(BUILD_PROGRAMS)?;
    node()?;
    node_modules()
}

/// All that `cargo xtask test` needs.
pub fn for_testing() -> Result<()> {
    // In one go with those of the build.
    debian_packages(&[BUILD_PROGRAMS, TEST_PROGRAMS].concat())?;
    for_building()
}

/// What the tests that are run on request need beyond that.
pub fn firefox() -> Result<()> {
    debian_packages(FIREFOX_PROGRAMS)
}

pub fn webkitgtk() -> Result<()> {
    debian_packages(WEBKITGTK_PROGRAMS)
}

/// rustup reads rust-toolchain.toml by itself; this is for the rustups that were told not to.
fn rust() -> Result<()> {
    let sysroot = read(&mut cmd("rustc", &["--print", "sysroot"]))?;
    let sysroot = Path::new(sysroot.trim());
    if !sysroot.join("lib/rustlib").join(WASM_TARGET).is_dir() {
        say(format!("setup: rustup target add {WASM_TARGET}"));
        run(&mut cmd("rustup", &["target", "add", WASM_TARGET]))?;
    }
    for (program, component) in [("rustfmt", "rustfmt"), ("cargo-clippy", "clippy")] {
        if !sysroot.join("bin").join(program).is_file() {
            say(format!("setup: rustup component add {component}"));
            run(&mut cmd("rustup", &["component", "add", component]))?;
        }
    }
    Ok(())
}

fn node() -> Result<()> {
    let version = read(&mut cmd("node", &["--version"])).context("Node is not here: https://nodejs.org")?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node {} is too old: {OLDEST_NODE} or newer is needed", version.trim());
    }
    Ok(())
}

/// `npm ci`, unless node_modules holds what package-lock.json says.
fn node_modules() -> Result<()> {
    if installed().unwrap_or(false) {
        return Ok(());
    }
    say("setup: npm ci");
    run(&mut cmd("npm", &["ci", "--no-audit", "--no-fund"]))
}

/// npm writes down what it has installed in a lock file of its own, as the last thing it does.
fn installed() -> Option<bool> {
    let packages = |path: &str| -> Option<serde_json::Map<String, serde_json::Value>> {
        let json: serde_json::Value = serde_json::from_slice(&read_file(&at(path)).ok()?).ok()?;
        json["packages"].as_object().cloned()
    };
    let wanted = packages("package-lock.json")?;
    let present = packages("node_modules/.package-lock.json")?;
    Some(wanted.iter().filter(|(path, _)| !path.is_empty()).all(|(path, package)| match present.get(path) {
        Some(found) => found["version"] == package["version"],
        // Packages for other platforms are left out.
        None => package["optional"] == true,
    }))
}

fn debian_packages(wanted: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> =
        wanted.iter().filter(|(program, _)| which(program).is_none()).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if which("apt-get").is_none() {
        bail!("{packages}: needed, and there is no apt-get here to install them");
    }
    say(format!("setup: apt-get install {packages}"));
    let mut sudo: Vec<&str> = Vec::new();
    if read(&mut cmd("id", &["-u"]))?.trim() != "0" {
        if which("sudo").is_none() {
            bail!("{packages}: needed. Run `apt-get install {packages}` as root, then try again");
        }
        sudo.push("sudo");
    }
    let apt = |args: &[&str]| {
        let words = [&sudo[..], &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], args].concat();
        run(&mut cmd(words[0], &words[1..]))
    };
    apt(&["update", "-q"])?;
    let install = ["install", "-q", "-y", "--no-install-recommends"];
    apt(&[&install[..], &missing].concat())
}
