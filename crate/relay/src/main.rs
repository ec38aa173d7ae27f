//! A small live relay: takes FLV from publishers over WebSocket and HTTP, serves it to any number of players.
//!
//! ```text
//! ws, http (bytes) -> ingest (tags) -> hub (streams by name) -> ring (recent tags) -> cursors -> http, ws
//! demo (a looped file) ----------------^                        shared by all        one a reader
//!                                                                                         +-> upstream (rtmp)
//!                                                                                         +-> hls (segments) -> http
//!                                                                                         +-> record (mp4)
//! ```
//!
//! **The one rule:** a stream's memory is its ring's and its segments', bounded in bytes and in time, and a reader is a cursor
//! in the ring. Who reads slowly loses whole groups of pictures and nothing else; who sends bad bytes loses its connection.
//!
//! It does not decode or transcode. It listens on this machine only unless told otherwise; even so
//! any web page open in a browser on this machine may publish and play, unless a secret or an origin is asked for.

mod app;
mod args;
mod auth;
mod demo;
mod health;
mod hls;
mod http;
mod hub;
mod ingest;
mod intake;
mod limits;
mod metrics;
mod muxer;
mod name;
mod origin;
mod pages;
mod record;
mod refusal;
mod ring;
mod rtmp;
mod runs;
mod server;
mod stall;
mod stats;
mod tags;
#[cfg(test)]
mod testing;
mod throttle;
mod tls;
mod upstream;
mod ws;

use std::{
    io::{self, Write},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use lexopt::Parser;
use thiserror::Error;

use crate::{
    app::App,
    args::{Command, Options},
    demo::{Demo, DemoError},
    name::BadName,
    pages::Mount,
    refusal::Refusal,
    tls::TlsError,
};

/// Why the relay did not start.
#[derive(Debug, Error)]
enum StartError {
    #[error("{0}: not a folder")]
    NoFolder(String),
    #[error("cannot loop {0}: {1}")]
    Demo(String, DemoError),
    #[error(transparent)]
    DemoName(#[from] BadName),
    #[error(transparent)]
    DemoRefused(#[from] Refusal),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("cannot listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let options = match args::parse(Parser::from_env(), args::variable) {
        Ok(Command::Run(options)) => *options,
        Ok(Command::Help) => return say(args::HELP),
        Ok(Command::Version) => return say(concat!("sailcast-relay ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => {
            eprintln!("sailcast-relay: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sailcast-relay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> ExitCode {
    // Nobody is left to hear of a closed pipe.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn run(options: Options) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(options))?;
    // What did not end in time is not waited for.
    runtime.shutdown_background();
    Ok(())
}

async fn serve(options: Options) -> Result<(), StartError> {
    let folders = options.mounts.iter().map(Mount::dir).chain(options.record.as_deref());
    for folder in folders {
        if !folder.is_dir() {
            return Err(StartError::NoFolder(folder.display().to_string()));
        }
    }
    let tls = options.tls.as_ref().map(tls::acceptor).transpose()?;
    let address = SocketAddr::new(options.bind, options.port);
    let (demo, players) = (options.demo.clone(), options.limits.players);
    let app = Arc::new(App::new(options));
    if let Some(path) = demo {
        let demo = Demo::open(&path).await.map_err(|e| StartError::Demo(path.display().to_string(), e))?;
        let publication = app.publish(demo::NAME.parse()?).await?;
        let shutdown = app.shutdown.clone();
        app.tasks.spawn(async move { shutdown.run_until_cancelled(demo.run(publication)).await });
    }
    server::allow_files(players);
    let listener =
        server::listen(address, app.throttle.is_some()).map_err(|e| StartError::Listen(address, e))?;
    let stop = stop_signal()?;
    let stopping = app.clone();
    tokio::spawn(async move {
        stop.await;
        log::info!("going down");
        // In this order, or a publisher sent away first would end its stream as if it had left.
        stopping.hub.close();
        stopping.shutdown.cancel();
    });

    let mut out = io::stdout();
    let scheme = if tls.is_some() { "https" } else { "http" };
    writeln!(out, "listening on {scheme}://{}", listener.local_addr()?)?;
    out.flush()?;
    server::serve(listener, tls, app).await;
    Ok(())
}

/// Completes when the process is asked to end.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes when the process is asked to end.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}
