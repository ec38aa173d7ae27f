//! The command line, and the few variables beside it for what should not be seen there.

use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroUsize,
    ops::RangeInclusive,
    path::PathBuf,
};

use lexopt::{Arg, Error, Parser, ValueExt};
use sailcast_media::{Micros, flv::tag::MAX_TAG_BODY};

use crate::{
    auth::{Gate, Secret},
    hls::HlsOptions,
    limits::Limits,
    origin::Origins,
    pages::Mount,
    rtmp::Target,
    tls::TlsFiles,
};

/// Seconds that make sense.
const HLS_WINDOW: RangeInclusive<f64> = 6.0..=86_400.0;
const SEGMENT_TARGET: RangeInclusive<f64> = 1.0..=10.0;
const PART_TARGET: RangeInclusive<f64> = 0.1..=2.0;

pub const HELP: &str = "\
Takes FLV from publishers and serves it to players, as FLV and as HLS.

Usage: sailcast-relay [OPTIONS]

  --bind ADDRESS           address to listen on (127.0.0.1: this machine only)
  --port PORT              port to listen on (8080); 0 takes a free one
  --tls-cert FILE          speak TLS, and HTTP/2 to who wants it, with this certificate and its chain (PEM)
  --tls-key FILE           the certificate's private key (PEM)
  --demo FILE              loop this FLV file for ever as /live/demo
  --serve PREFIX=DIR       serve a folder; may be given several times (/=www, /dist=dist)
  --isolate                make the served pages cross-origin isolated
  --hls-window SECONDS     how far back viewers of HLS may go (60); each second of a stream and format is up to 1 MiB
  --hls-always             package every stream for HLS, not only those that somebody asks for
  --segment-target SECONDS of HLS; a segment ends at the first keyframe behind it (2)
  --part-target SECONDS    of LL-HLS (0.33)
  --record DIR             record every stream to DIR/APP/NAME-TIME.mp4
  --throttle               for development: POST /throttle/APP/NAME?bitrate=BIT/S makes a publisher's network narrow
  --upstream URL           push each stream on to rtmp://HOST[:PORT]/APP[?QUERY] under its own name; several times
  --publish-secret SECRET  publish only with ?secret=SECRET, or signed with it
  --play-secret SECRET     play only with ?secret=SECRET, or signed with it
  --allow-origin ORIGIN    pages that may publish and play, such as https://example.org; several times (any page)
  --max-streams N          streams at once (64), each up to 16 MiB of memory
  --max-players N          players at once (5000)
  --max-bitrate BIT/S      of one publisher, over 5 s (50000000)
  --max-tag BYTES          of one FLV tag (4194304, and not more)
  --help, --version

Publish:  POST /APP/NAME, or WebSocket /APP/NAME with the subprotocol \"publisher\"
Play:     GET /APP/NAME.flv, or WebSocket /APP/NAME.flv
HLS:      GET /APP/NAME.m3u8 (fragmented MP4, LL-HLS), /APP/NAME.ts.m3u8 (MPEG-TS)
State:    GET /health, GET /metrics (Prometheus)

There is no authentication without a secret: whoever reaches the port, and any web page open in a browser on this
machine, may publish and play.
SAILCAST_PUBLISH_SECRET, SAILCAST_PLAY_SECRET and SAILCAST_UPSTREAM (URLs with spaces between them) say the same as
their options and are not seen in the list of processes.
RUST_LOG=debug logs more, RUST_LOG=warn less.
";

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub bind: IpAddr,
    pub port: u16,
    pub tls: Option<TlsFiles>,
    pub demo: Option<PathBuf>,
    pub mounts: Vec<Mount>,
    pub isolate: bool,
    pub throttle: bool,
    pub hls: HlsOptions,
    pub record: Option<PathBuf>,
    pub upstreams: Vec<Target>,
    pub gate: Gate,
    pub origins: Origins,
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 8080,
            tls: None,
            demo: None,
            mounts: Vec::new(),
            isolate: false,
            throttle: false,
            hls: HlsOptions::default(),
            record: None,
            upstreams: Vec::new(),
            gate: Gate::default(),
            origins: Origins::default(),
            limits: Limits::default(),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Run(Box<Options>),
    Help,
    Version,
}

/// A variable of the process's environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// `variable`: the environment.
pub fn parse(mut parser: Parser, variable: impl Fn(&str) -> Option<String>) -> Result<Command, Error> {
    let mut options = Options::default();
    options.gate.publish = variable("SAILCAST_PUBLISH_SECRET").and_then(Secret::new);
    options.gate.play = variable("SAILCAST_PLAY_SECRET").and_then(Secret::new);
    for url in variable("SAILCAST_UPSTREAM").unwrap_or_default().split_whitespace() {
        // The address may hold a secret: it is not repeated.
        let target = url.parse().map_err(|error| Error::from(format!("SAILCAST_UPSTREAM: {error}")))?;
        options.upstreams.push(target);
    }
    let (mut cert, mut key) = (None, None);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("bind") => options.bind = parser.value()?.parse()?,
            Arg::Long("port") => options.port = parser.value()?.parse()?,
            Arg::Long("tls-cert") => cert = Some(parser.value()?.into()),
            Arg::Long("tls-key") => key = Some(parser.value()?.into()),
            Arg::Long("demo") => options.demo = Some(parser.value()?.into()),
            Arg::Long("serve") => options.mounts.push(parser.value()?.parse()?),
            Arg::Long("isolate") => options.isolate = true,
            Arg::Long("hls-window") => options.hls.window = seconds(&mut parser, HLS_WINDOW)?,
            Arg::Long("hls-always") => options.hls.always = true,
            Arg::Long("segment-target") => options.hls.wanted.segment = seconds(&mut parser, SEGMENT_TARGET)?,
            Arg::Long("part-target") => options.hls.wanted.part = seconds(&mut parser, PART_TARGET)?,
            Arg::Long("record") => options.record = Some(parser.value()?.into()),
            Arg::Long("throttle") => options.throttle = true,
            Arg::Long("upstream") => {
                let url = parser.value()?.string()?;
                options.upstreams.push(url.parse().map_err(|error| format!("--upstream: {error}"))?);
            }
            Arg::Long("publish-secret") => options.gate.publish = Some(secret(&mut parser)?),
            Arg::Long("play-secret") => options.gate.play = Some(secret(&mut parser)?),
            Arg::Long("allow-origin") => options.origins.0.push(origin(&mut parser)?),
            Arg::Long("max-streams") => options.limits.streams = count(&mut parser)?,
            Arg::Long("max-players") => options.limits.players = count(&mut parser)?,
            Arg::Long("max-bitrate") => options.limits.bit_rate = count(&mut parser)? as u64,
            Arg::Long("max-tag") => options.limits.tag = count(&mut parser)?.min(MAX_TAG_BODY),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            other => return Err(other.unexpected()),
        }
    }
    if let Some(twice) = repeated(&options.upstreams) {
        return Err(format!("upstream {twice} is named twice").into());
    }
    options.tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles { cert, key }),
        (None, None) => None,
        _ => return Err("TLS takes both --tls-cert and --tls-key".into()),
    };
    Ok(Command::Run(Box::new(options)))
}

/// One application would refuse the second of each name.
fn repeated(upstreams: &[Target]) -> Option<String> {
    let mut shown: Vec<String> = upstreams.iter().map(Target::to_string).collect();
    shown.sort();
    shown.windows(2).find(|two| two[0] == two[1]).map(|two| two[0].clone())
}

/// A limit of nothing would be a relay that does nothing.
fn count(parser: &mut Parser) -> Result<usize, Error> {
    Ok(parser.value()?.parse::<NonZeroUsize>()?.get())
}

fn seconds(parser: &mut Parser, range: RangeInclusive<f64>) -> Result<Micros, Error> {
    let seconds: f64 = parser.value()?.parse()?;
    match range.contains(&seconds) {
        true => Ok(Micros((seconds * 1e6).round() as i64)),
        false => Err(format!("{seconds} is not within {} and {} s", range.start(), range.end()).into()),
    }
}

fn secret(parser: &mut Parser) -> Result<Secret, Error> {
    Secret::new(parser.value()?.string()?).ok_or_else(|| "an empty secret is none".into())
}

/// As browsers send it: without a path, and without a slash at the end.
fn origin(parser: &mut Parser) -> Result<String, Error> {
    let text = parser.value()?.string()?;
    let text = text.trim_end_matches('/');
    match text.split_once("://") {
        Some((_, host)) if !host.is_empty() && !host.contains('/') => Ok(text.to_owned()),
        _ => Err(format!("--allow-origin: {text:?} is no origin such as https://example.org").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Command, Error> {
        parse(Parser::from_args(args), |_| None)
    }

    fn options(args: &[&str], environment: &[(&str, &str)]) -> Options {
        let variable =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned());
        match parse(Parser::from_args(args), variable) {
            Ok(Command::Run(options)) => *options,
            other => panic!("options expected, not {other:?}"),
        }
    }

    #[test]
    fn without_options_it_listens_on_this_machine_only() {
        let options = options(&[], &[]);
        assert!(options.bind.is_loopback());
        assert_eq!(options.port, 8080);
    }

    #[test]
    fn options_are_read() {
        let args =
            ["--bind", "::1", "--port=0", "--serve", "/=www", "--serve=/dist=d", "--isolate", "--throttle"];
        let options = options(&args, &[]);
        assert_eq!((options.bind.to_string().as_str(), options.port), ("::1", 0));
        assert_eq!(options.mounts, ["/=www".parse().unwrap(), "/dist=d".parse().unwrap()]);
        assert!(options.isolate && options.throttle);
    }

    #[test]
    fn how_hls_is_packaged_is_read() {
        let args = ["--hls-window=600", "--hls-always", "--segment-target=4", "--part-target=0.2"];
        let read = options(&args, &[]).hls;
        assert_eq!((read.window, read.always), (Micros::from_secs(600), true));
        assert_eq!((read.wanted.segment, read.wanted.part), (Micros::from_secs(4), Micros::from_millis(200)));
    }

    #[test]
    fn what_guards_the_relay_is_read() {
        let limits = ["--max-streams=1", "--max-players=2", "--max-bitrate=3", "--max-tag=4"];
        let origins = ["--allow-origin=https://a.example/", "--allow-origin=http://localhost:1"];
        let read =
            options(&[&limits[..], &origins, &["--publish-secret=s", "--play-secret=p"]].concat(), &[]);
        assert_eq!(read.limits, Limits { streams: 1, players: 2, bit_rate: 3, tag: 4 });
        assert_eq!(read.origins.0, ["https://a.example", "http://localhost:1"]);
        let gate = Gate { publish: Secret::new("s".into()), play: Secret::new("p".into()) };
        assert_eq!(read.gate, gate);
        let environment = [("SAILCAST_PUBLISH_SECRET", "s"), ("SAILCAST_PLAY_SECRET", "p")];
        assert_eq!(options(&[], &environment).gate, gate);
        assert_eq!(options(&[], &[("SAILCAST_PUBLISH_SECRET", "")]).gate, Gate::default());
        assert_eq!(options(&["--publish-secret=t"], &environment).gate.publish, Secret::new("t".into()));
        assert_eq!(options(&["--max-tag=99999999"], &[]).limits.tag, MAX_TAG_BODY);
    }

    #[test]
    fn upstreams_are_read_from_both_places() {
        let read =
            options(&["--upstream=rtmp://a/live"], &[("SAILCAST_UPSTREAM", "rtmp://b/x?k=1  rtmp://c:1/y")]);
        let shown: Vec<String> = read.upstreams.iter().map(Target::to_string).collect();
        assert_eq!(shown, ["rtmp://b/x", "rtmp://c:1/y", "rtmp://a/live"]);
        let refused = parse(Parser::from_args(["--upstream=rtmps://h/x?k=hidden"]), |_| None).unwrap_err();
        assert!(
            refused.to_string().contains("rtmps") && !refused.to_string().contains("hidden"),
            "{refused}"
        );
    }

    #[test]
    fn the_help_names_each_option() {
        let source = include_str!("args.rs");
        for name in source.split("Arg::Long(\"").skip(1).filter_map(|s| s.split('"').next()) {
            assert!(HELP.contains(&format!("--{name}")), "{name}");
        }
    }

    #[test]
    fn the_help_says_that_nobody_is_asked_who_they_are() {
        assert!(HELP.contains("no authentication") && HELP.contains("any web page"));
    }

    #[test]
    fn mistakes_are_told() {
        let limits = [&["--max-streams=0"][..], &["--max-bitrate=2M"], &["--max-tag=-1"]];
        let guards = [
            &["--publish-secret="][..],
            &["--tls-cert=c"],
            &["--allow-origin=example.org"],
            &["--upstream=x"],
        ];
        let plain = [
            &["--port", "x"][..],
            &["--hls-window=1"],
            &["--part-target=NaN"],
            &["--serve", "www"],
            &["--nope"],
            &["file"],
            &["--demo"],
        ];
        for bad in [&plain[..], &limits, &guards].concat() {
            assert!(parsed(bad).is_err(), "{bad:?}");
        }
    }
}
