//! `npm start`: sets up, builds, and becomes the relay that serves the demo.
//!
//! In the end this process is replaced by the relay, so Ctrl-C reaches it directly and nothing is left behind.

use crate::setup;
use crate::shell::{at, cargo, cmd, run, say};
use anyhow::{Context, Result, bail};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;

const FIRST_PORT: u16 = 8080;
const PORTS_TRIED: u16 = 20;
const DEMO_STREAM: &str = "www/demo/media/demo.flv";

/// `dev [PORT]`
pub fn serve(args: &[String]) -> Result<()> {
    let first = match args.first() {
        Some(port) => port.parse().with_context(|| format!("{port} is not a port"))?,
        None => FIRST_PORT,
    };
    setup::for_building()?;
    crate::build()?;
    say("relay: cargo build of sailcast-relay");
    run(&mut cargo(&["build", "--package", "sailcast-relay"]))?;
    if !at(DEMO_STREAM).is_file() {
        bail!("{DEMO_STREAM} is not there: `cargo xtask fixtures` makes it");
    }

    let port = free_port(first)?;
    if port != first {
        say(format!("port {first} is taken, using {port}"));
    }
    let relay = at("target/debug/sailcast-relay");
    let log = std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into());
    let error = cmd(&relay.display().to_string(), &["--port", &port.to_string(), "--demo", DEMO_STREAM])
        .args(["--serve", "/=dist-demo", "--serve", "/dist=dist", "--throttle"])
        .env("RUST_LOG", log)
        .exec();
    Err(error).with_context(|| format!("cannot start {}", relay.display()))
}

fn free_port(first: u16) -> Result<u16> {
    (first..=first.saturating_add(PORTS_TRIED))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .with_context(|| format!("no free port from {first} on"))
}
