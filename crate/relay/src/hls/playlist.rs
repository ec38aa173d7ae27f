//! What the playlists of a packaged stream say.
//!
//! **Invariant:** every address carries what the playlist's own was admitted by, so that a signed playlist names what can be
//! loaded. A delta update leaves out whole segments further from the end than [`SKIP`] target durations, and no others.

use std::sync::Arc;

use sailcast_media::{
    CodecParams, Micros,
    hls::{
        Map, MediaPlaylist, MultivariantPlaylist, Part, PreloadHint, PreloadKind, Segment, ServerControl,
        Skip, Variant,
    },
};

use super::{packager::Packager, resource::Resource, window};
use crate::muxer::Format;

/// EXT-X-SKIP and PRELOAD-HINT.
const LOW_LATENCY_VERSION: u32 = 9;
/// Decimal durations.
const PLAIN_VERSION: u32 = 3;
/// Segments nearer to the end than so many target durations are never left out: the least that is allowed (4.4.3.8).
const SKIP: i64 = 6;
/// Segments nearer to the end than so many target durations have their parts named: the least that is allowed (6.2.2).
const WITH_PARTS: i64 = 3;
/// A client stays so many parts behind the end: what is recommended (4.4.3.8).
const PART_HOLD_BACK: i64 = 3;

/// The playlist of segments. `suffix`: behind every address.
pub fn media(packager: &Packager, suffix: &str, delta: bool) -> MediaPlaylist {
    let window = packager.window();
    let low_latency = packager.format() == Format::Fmp4;
    let target = packager.target().unwrap_or_default();
    let writer = Writer { packager, suffix, epoch: window.epoch() };
    let listed: Vec<&window::Segment> =
        window.listed().filter(|segment| segment.complete || low_latency).collect();
    let skipped = if delta && low_latency { far_from_end(&listed, times(target, SKIP)) } else { 0 };
    let first = listed.first();
    let discontinuity = first.map_or(0, |first| first.discontinuity);
    // Counted from the playlist's own, as the tags of what is left out are not there.
    let left_out = skipped.checked_sub(1).map_or(0, |last| listed[last].discontinuity - discontinuity);
    let mut from_end = Micros::ZERO;
    let mut segments: Vec<Segment> = listed[skipped..]
        .iter()
        .rev()
        .map(|segment| {
            let with_parts = low_latency && from_end < times(target, WITH_PARTS);
            from_end += segment.duration();
            Segment { discontinuity: segment.discontinuity - left_out, ..writer.segment(segment, with_parts) }
        })
        .collect();
    segments.reverse();
    let ended = window.has_ended();
    let hint = packager.part_target().filter(|_| !ended).map(|_| writer.hint());
    MediaPlaylist {
        version: if low_latency { LOW_LATENCY_VERSION } else { PLAIN_VERSION },
        target_duration: target,
        media_sequence: first.map_or(window.edge().sequence, |first| first.sequence),
        discontinuity_sequence: discontinuity,
        ended,
        control: ServerControl {
            can_block_reload: true,
            can_skip_until: low_latency.then(|| times(target, SKIP)),
            part_hold_back: packager.part_target().map(|part| times(part, PART_HOLD_BACK)),
            ..ServerControl::default()
        },
        part_target: packager.part_target(),
        skip: (skipped > 0).then(|| Skip { segments: skipped as u64, ..Skip::default() }),
        segments,
        preload_hints: hint.into_iter().collect(),
        ..MediaPlaylist::default()
    }
}

/// The playlist of the one rendition there is, as it was measured. `name`: the stream's without its application.
pub fn multivariant(packager: &Packager, name: &str, suffix: &str) -> MultivariantPlaylist {
    let description = packager.description();
    let tracks = description.as_ref().map_or(&[][..], |description| &description.tracks);
    let picture = tracks.iter().find_map(|track| match track.config.params {
        CodecParams::Video(params) => Some(params),
        CodecParams::Audio(_) => None,
    });
    let (peak, mean) = packager.window().bit_rates();
    let playlist = Resource::Media(packager.format());
    let variant = Variant {
        uri: format!("{name}/{playlist}{suffix}"),
        bandwidth: peak,
        average_bandwidth: Some(mean),
        codecs: tracks.iter().map(|track| track.config.codec_string.clone()).collect(),
        width: picture.map(|picture| picture.width),
        height: picture.map(|picture| picture.height),
        frame_rate: description.and_then(|description| description.frame_rate).map(to_thousandths),
        ..Variant::default()
    };
    MultivariantPlaylist {
        version: PLAIN_VERSION,
        variants: vec![variant],
        ..MultivariantPlaylist::default()
    }
}

struct Writer<'a> {
    packager: &'a Packager,
    suffix: &'a str,
    epoch: u64,
}

impl Writer<'_> {
    fn uri(&self, resource: Resource) -> String {
        format!("{resource}{}", self.suffix)
    }

    fn segment(&self, segment: &window::Segment, with_parts: bool) -> Segment {
        let (format, epoch, sequence) = (self.packager.format(), self.epoch, segment.sequence);
        let map = segment.map.map(|number| {
            let uri = self.uri(Resource::Init { epoch, number });
            Arc::new(Map { uri, range: None, keys: Vec::new() })
        });
        let parts = segment.parts.iter().filter(|_| with_parts).map(|part| Part {
            uri: self.uri(Resource::Part { epoch, number: part.number }),
            range: None,
            duration: part.duration,
            independent: part.independent,
            gap: false,
        });
        Segment {
            sequence,
            discontinuity: segment.discontinuity,
            uri: segment.complete.then(|| self.uri(Resource::Segment { format, epoch, sequence })),
            range: None,
            duration: segment.duration(),
            title: String::new(),
            map,
            keys: Vec::new(),
            program_date_time: segment.began,
            gap: false,
            bitrate: None,
            parts: parts.collect(),
        }
    }

    fn hint(&self) -> PreloadHint {
        let next = Resource::Part { epoch: self.epoch, number: self.packager.window().next_part() };
        PreloadHint { kind: PreloadKind::Part, uri: self.uri(next), start: 0, length: None }
    }
}

/// How many segments lie wholly before the last `boundary` of the playlist.
fn far_from_end(listed: &[&window::Segment], boundary: Micros) -> usize {
    let mut from_end = Micros::ZERO;
    let kept = listed.iter().rev().take_while(|segment| {
        let kept = from_end < boundary;
        from_end += segment.duration();
        kept
    });
    listed.len() - kept.count()
}

fn times(duration: Micros, n: i64) -> Micros {
    Micros(duration.0.saturating_mul(n))
}

fn to_thousandths(rate: f64) -> f64 {
    (rate * 1000.0).round() / 1000.0
}

#[cfg(test)]
#[path = "playlist_tests.rs"]
mod tests;
