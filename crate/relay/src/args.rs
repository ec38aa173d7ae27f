//! The command line.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use lexopt::{Arg, Error, Parser, ValueExt};

use crate::pages::Mount;

pub const HELP: &str = "\
Takes FLV from publishers and serves it to players.

Usage: sailcast-relay [OPTIONS]

  --bind ADDRESS       address to listen on (127.0.0.1: this machine only)
  --port PORT          port to listen on (8080); 0 takes a free one
  --demo FILE          loop this FLV file for ever as /live/demo
  --serve PREFIX=DIR   serve a folder; may be given several times (/=www, /dist=dist)
  --isolate            make the served pages cross-origin isolated
  --help, --version

Publish:  POST /APP/NAME, or WebSocket /APP/NAME with the subprotocol \"publisher\"
Play:     GET /APP/NAME.flv, or WebSocket /APP/NAME.flv
State:    GET /health

There is no authentication: whoever reaches the port, and any web page open in a browser on this machine, may publish
and play.
RUST_LOG=debug logs more, RUST_LOG=warn less.
";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub bind: IpAddr,
    pub port: u16,
    pub demo: Option<PathBuf>,
    pub mounts: Vec<Mount>,
    pub isolate: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Run(Options),
    Help,
    Version,
}

pub fn parse(mut parser: Parser) -> Result<Command, Error> {
    let mut options = Options {
        bind: Ipv4Addr::LOCALHOST.into(),
        port: 8080,
        demo: None,
        mounts: Vec::new(),
        isolate: false,
    };
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("bind") => options.bind = parser.value()?.parse()?,
            Arg::Long("port") => options.port = parser.value()?.parse()?,
            Arg::Long("demo") => options.demo = Some(parser.value()?.into()),
            Arg::Long("serve") => options.mounts.push(parser.value()?.parse()?),
            Arg::Long("isolate") => options.isolate = true,
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, Error> {
        parse(Parser::from_args(args))
    }

    #[test]
    fn without_options_it_listens_on_this_machine_only() {
        let Ok(Command::Run(options)) = parsed(&[]) else { panic!("options expected") };
        assert!(options.bind.is_loopback());
        assert_eq!(options.port, 8080);
    }

    #[test]
    fn options_are_read() {
        let args = ["--bind", "::1", "--port=0", "--serve", "/=www", "--serve=/dist=d", "--isolate"];
        let Ok(Command::Run(options)) = parsed(&args) else { panic!("options expected") };
        assert_eq!((options.bind.to_string().as_str(), options.port), ("::1", 0));
        assert_eq!(options.mounts, ["/=www".parse().unwrap(), "/dist=d".parse().unwrap()]);
        assert!(options.isolate);
    }

    #[test]
    fn the_help_says_that_nobody_is_asked_who_they_are() {
        assert!(HELP.contains("no authentication") && HELP.contains("any web page"));
    }

    #[test]
    fn mistakes_are_told() {
        for bad in [&["--port", "x"][..], &["--serve", "www"], &["--nope"], &["file"], &["--demo"]] {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
