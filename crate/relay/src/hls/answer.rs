//! Answers to requests for playlists, segments and parts.
//!
//! **Invariant:** a request waits only for what is next, and no longer than three target durations. What is below EPOCH
//! never changes and may be kept by caches; a playlist only if it was waited for, as its address then names its state.

use std::{
    convert::Infallible,
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::stream;
use hyper::{HeaderMap, StatusCode, header, header::HeaderValue, http::request::Parts};
use sailcast_media::{
    Micros,
    hls::{write, write_multivariant},
};
use tokio::time::timeout;

use super::{
    Channels,
    channel::Channel,
    packager::Packager,
    playlist,
    range::{Range, slice},
    reload::{Directives, Reload},
    resource::Resource,
    window::Segment,
};
use crate::{app::App, auth::Action, muxer::Format, name::StreamName, refusal::Refusal};

const PLAYLIST_TYPE: &str = "application/vnd.apple.mpegurl";
const MP4_TYPE: &str = "video/mp4";
const TS_TYPE: &str = "video/mp2t";
/// How long a playlist may take that has nothing to say yet: the first segment of the longest that are made.
const FIRST_SEGMENT: Duration = Duration::from_secs(12);
/// How long a request waits, in target durations (RFC 8216bis, 6.2.5.2).
const PATIENCE: u32 = 3;
/// How long caches may keep a playlist that was waited for, in target durations (RFC 8216bis, appendix B.1).
const PLAYLIST_LIFE: i64 = 6;
const FOR_EVER: &str = "public, max-age=3600, immutable";

/// Answers a request that a player makes.
pub async fn answer(
    app: &App,
    name: &StreamName,
    resource: Resource,
    parts: &Parts,
) -> Result<Response, Refusal> {
    app.admit(Action::Play, name, &parts.uri, &parts.headers)?;
    app.hub.counters.hls_requests.add(1);
    let asked = Asked { app, name, parts };
    match resource {
        Resource::Multivariant(format) => asked.multivariant(format).await,
        Resource::Media(format) => asked.media(format).await,
        Resource::Init { epoch, number } => asked.init(epoch, number),
        Resource::Segment { format, epoch, sequence } => asked.segment(format, epoch, sequence),
        Resource::Part { epoch, number } => asked.part(epoch, number).await,
    }
}

struct Asked<'a> {
    app: &'a App,
    name: &'a StreamName,
    parts: &'a Parts,
}

impl Asked<'_> {
    fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    async fn multivariant(&self, format: Format) -> Result<Response, Refusal> {
        let channel = self.app.hls.find(self.name, format)?;
        let suffix = self.app.gate.carried(self.query());
        let playlist = until(&self.app.hls, &channel, FIRST_SEGMENT, |packager| {
            self.ready(packager)
                .map(|ready| ready.map(|()| playlist::multivariant(packager, self.name.name(), &suffix)))
        })
        .await?;
        Ok(self.playlist(&write_multivariant(&playlist), None))
    }

    async fn media(&self, format: Format) -> Result<Response, Refusal> {
        let directives = Directives::parse(self.query())?;
        let channel = self.app.hls.find(self.name, format)?;
        let suffix = self.app.gate.carried(self.query());
        until(&self.app.hls, &channel, FIRST_SEGMENT, |packager| self.ready(packager)).await?;
        let patience = patience(&channel);
        let (text, target) =
            until(&self.app.hls, &channel, patience, |packager| match directives.reload(packager) {
                Ok(Reload::Wait) => None,
                Ok(Reload::Ready) => {
                    let playlist = playlist::media(packager, &suffix, directives.skip);
                    Some(Ok((write(&playlist), playlist.target_duration)))
                }
                Err(bad) => Some(Err(bad.into())),
            })
            .await?;
        Ok(self.playlist(&text, directives.msn.map(|_| target)))
    }

    fn init(&self, epoch: u64, number: u64) -> Result<Response, Refusal> {
        let channel = self.below(Format::Fmp4, epoch)?;
        let init = channel.watch().borrow().window().map(number).cloned();
        Ok(self.file(MP4_TYPE, vec![init.ok_or(Refusal::Gone)?]))
    }

    fn segment(&self, format: Format, epoch: u64, sequence: u64) -> Result<Response, Refusal> {
        let channel = self.below(format, epoch)?;
        let bytes = |segment: &Segment| segment.parts.iter().map(|part| part.bytes.clone()).collect();
        let chunks: Option<Vec<Bytes>> = channel.watch().borrow().window().segment(sequence).map(bytes);
        let type_ = match format {
            Format::Fmp4 => MP4_TYPE,
            Format::Ts => TS_TYPE,
        };
        Ok(self.file(type_, chunks.ok_or(Refusal::Gone)?))
    }

    /// The part that is hinted at is waited for.
    async fn part(&self, epoch: u64, number: u64) -> Result<Response, Refusal> {
        let channel = self.below(Format::Fmp4, epoch)?;
        let bytes = until(&self.app.hls, &channel, patience(&channel), |packager| {
            let window = packager.window();
            match window.part(number) {
                Some(part) => Some(Ok(part.bytes.clone())),
                None if number == window.next_part() && !window.has_ended() => None,
                None => Some(Err(Refusal::Gone)),
            }
        })
        .await?;
        Ok(self.file(MP4_TYPE, vec![bytes]))
    }

    fn below(&self, format: Format, epoch: u64) -> Result<Arc<Channel>, Refusal> {
        let known = self.app.hls.known(self.name, format);
        known.filter(|channel| channel.watch().borrow().window().epoch() == epoch).ok_or(Refusal::Gone)
    }

    /// Whether there is something to play, or there never will be.
    fn ready(&self, packager: &Packager) -> Option<Result<(), Refusal>> {
        if packager.is_ready() {
            return Some(Ok(()));
        }
        if packager.window().has_ended() {
            return Some(Err(Refusal::NotLive(self.name.clone())));
        }
        packager.is_hopeless().then(|| Err(Refusal::Codecs(packager.format().word())))
    }

    /// `waited_for`: the target duration of a playlist that was.
    fn playlist(&self, text: &str, waited_for: Option<Micros>) -> Response {
        let life = waited_for.map(|target| target.0 / 1_000_000 * PLAYLIST_LIFE);
        let cache = life.map_or("no-store".to_owned(), |life| format!("public, max-age={life}"));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PLAYLIST_TYPE));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        insert(&mut headers, header::CACHE_CONTROL, cache);
        // Three playlists a second are many bytes beside a stream of sound.
        let body = match accepts_gzip(&self.parts.headers).then(|| gzip(text.as_bytes())) {
            Some(Ok(zipped)) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                zipped
            }
            _ => text.as_bytes().to_vec(),
        };
        self.count(body.len());
        (headers, body).into_response()
    }

    /// A file that never changes, or the range of it that is asked for.
    fn file(&self, type_: &'static str, chunks: Vec<Bytes>) -> Response {
        let len = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(type_));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        let (status, from, until) = match Range::asked(&self.parts.headers, len) {
            Range::All => (StatusCode::OK, 0, len),
            Range::Some { first, last } => {
                insert(&mut headers, header::CONTENT_RANGE, format!("bytes {first}-{last}/{len}"));
                (StatusCode::PARTIAL_CONTENT, first, last + 1)
            }
            Range::Beyond => {
                insert(&mut headers, header::CONTENT_RANGE, format!("bytes */{len}"));
                (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0)
            }
        };
        self.count(usize::try_from(until - from).unwrap_or(usize::MAX));
        insert(&mut headers, header::CONTENT_LENGTH, (until - from).to_string());
        let chunks = slice(chunks, from, until).into_iter().map(Ok::<_, Infallible>);
        (status, headers, Body::from_stream(stream::iter(chunks))).into_response()
    }

    fn count(&self, len: usize) {
        self.app.hub.counters.bytes_out.add(len as u64);
        self.app.hub.counters.hls_bytes.add(len as u64);
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && quality.trim() != "q=0"
    })
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

fn patience(channel: &Channel) -> Duration {
    let target = channel.watch().borrow().target().unwrap_or_default();
    Duration::from_micros(target.0.unsigned_abs()) * PATIENCE
}

/// What `check` finds, once it finds something.
async fn until<T>(
    channels: &Channels,
    channel: &Channel,
    patience: Duration,
    check: impl Fn(&Packager) -> Option<Result<T, Refusal>>,
) -> Result<T, Refusal> {
    let mut packager = channel.watch();
    if let Some(found) = check(&packager.borrow_and_update()) {
        return found;
    }
    let _counted = channels.wait()?;
    let search = async {
        loop {
            // The sender lives in the channel.
            if packager.changed().await.is_err() {
                return Err(Refusal::Gone);
            }
            if let Some(found) = check(&packager.borrow_and_update()) {
                return found;
            }
        }
    };
    tokio::select! {
        found = timeout(patience, search) => found.unwrap_or(Err(Refusal::NotYet(patience.as_secs()))),
        () = channels.shutdown().cancelled() => Err(Refusal::Shutdown),
    }
}
