//! What is in the segments.

use aes::cipher::{BlockEncryptMut, KeyIvInit, block_padding::Pkcs7};
use bytes::{BufMut, Bytes, BytesMut};
use sailcast_engine::Instant;
use sailcast_media::{
    MediaKind, MediaTime, Micros, Packet, TrackId, TrackInfo, mp4::mux::FragmentMuxer, ts::mux::TsMuxer,
};

use super::{Container, Packager, Pictures, Sound};
use crate::{av1, synth};

const AAC_SAMPLES: i64 = 1024;
const AAC_BYTES: usize = 300;
const NAL_IDR: u8 = 0x65;
const NAL_REFERENCE: u8 = 0x41;
/// Behind a discontinuity stamps begin here.
const OTHER_STAMP: Micros = Micros::from_secs(77);

/// One of the addresses of segments.
pub enum Name {
    Quality(usize),
    /// The first one, or which of the others, counted from 1.
    Sound(usize),
}

impl Name {
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(number) = text.strip_prefix('v') {
            return Some(Self::Quality(number.parse().ok()?));
        }
        // That of a group is `gNaN`.
        let (_, number) =
            text.split_once('a').filter(|(group, _)| group.is_empty() || group.starts_with('g'))?;
        Some(Self::Sound(if number.is_empty() { 0 } else { number.parse().ok()? }))
    }
}

pub fn key(number: u64) -> [u8; 16] {
    let mut key = [7; 16];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}

impl Packager {
    /// What there is at `name/sN.ext`, `name/sN.pK.ext` or `name/initN.mp4`, and when.
    pub(super) fn resource(&self, path: &str, now: Instant) -> Option<Vec<(Instant, Bytes)>> {
        let (folder, file) = path.split_once('/')?;
        let name = Name::parse(folder)?;
        if let Name::Quality(n) = name {
            self.qualities.get(n)?;
        }
        if let Some(n) = file.strip_prefix("init") {
            let sequence: u64 = n.strip_suffix(".mp4")?.parse().ok()?;
            let mut out = BytesMut::new();
            self.fragments(&self.tracks(&name, sequence)).init(&mut out);
            return Some(vec![(now, out.freeze())]);
        }
        let mut fields = file.strip_prefix('s')?.split('.');
        let sequence: u64 = fields.next()?.parse().ok()?;
        let part: Option<u64> = fields.next()?.strip_prefix('p').and_then(|k| k.parse().ok());
        let (from, to) = match part {
            Some(part) => (part, part + 1),
            None => (0, self.parts()),
        };
        let is_none = self.total.is_some_and(|total| sequence >= total) || from >= self.parts();
        if is_none || self.gaps.contains(&sequence) {
            return None;
        }
        // Nobody knows of what is not even begun.
        let begun = self.ready(sequence, 0).0.saturating_sub(self.part.unwrap_or(self.segment).0 as u64 * 2);
        if now.0 < begun {
            return None;
        }
        if part.is_none() && self.part_ranges {
            // A growing resource: its parts one behind the other.
            let piece =
                |part| (now.max(self.ready(sequence, part)), self.media(&name, sequence, part, part + 1));
            return Some((0..self.parts()).map(piece).collect());
        }
        let ready = self.ready(sequence, to - 1);
        if part.is_none() && ready > now {
            return None;
        }
        let clear = self.media(&name, sequence, from, to);
        let body = match self.key_every {
            Some(every) => encrypt(&clear, key(sequence / every), self.numbered(sequence)),
            None => clear,
        };
        Some(vec![(now.max(ready), body)])
    }

    /// How many bytes a part has.
    pub(super) fn part_len(&self, name: &str, sequence: u64, part: u64) -> u64 {
        let name = Name::parse(name).expect("a name");
        self.media(&name, sequence, part, part + 1).len() as u64
    }

    /// When part `part` of a segment is complete; the last one of a segment without parts is the segment.
    pub(super) fn ready(&self, sequence: u64, part: u64) -> Instant {
        let length = self.part.unwrap_or(self.segment);
        let end = sequence as i64 * self.segment.0 + (part as i64 + 1) * length.0;
        let rate = i128::from(1_000_000 + self.ppm);
        let since_begin = ((i128::from(end) * 1_000_000 + rate - 1) / rate) as i64;
        Instant((since_begin - self.age.0).max(0) as u64)
    }

    /// How much of the stream the encoder makes in a time.
    pub(super) fn made_in(&self, time: i64) -> i64 {
        (i128::from(time) * i128::from(1_000_000 + self.ppm) / 1_000_000) as i64
    }

    /// How many discontinuities lie before or at a segment.
    pub(super) fn era(&self, sequence: u64) -> u64 {
        let restarts = self.restart.is_some_and(|restart| sequence >= restart);
        self.discontinuities.iter().filter(|at| **at <= sequence).count() as u64 + u64::from(restarts)
    }

    /// The first segment of an era.
    fn begun(&self, era: u64) -> u64 {
        let begins = self.discontinuities.iter().chain(&self.restart);
        begins.copied().find(|at| self.era(*at) == era).unwrap_or(0)
    }

    /// Its number in the playlist.
    pub(super) fn numbered(&self, sequence: u64) -> u64 {
        let restart = self.restart.filter(|restart| sequence >= *restart);
        restart.map_or(self.first_number + sequence, |restart| sequence - restart)
    }

    /// The first segment of those with the same tracks as this one.
    pub(super) fn configured(&self, sequence: u64) -> u64 {
        let turns = [self.seen.start, self.seen.end, self.heard.start, self.heard.end];
        let changes = self.discontinuities.iter().chain(&self.resized).chain(&self.restart).chain(&turns);
        changes.copied().filter(|at| *at <= sequence).max().unwrap_or(0)
    }

    fn has_sound(&self, name: &Name, sequence: u64) -> bool {
        match name {
            Name::Sound(_) => true,
            Name::Quality(n) => {
                self.sound == Sound::Muxed && self.qualities[*n].sound && self.heard.contains(&sequence)
            }
        }
    }

    fn tracks(&self, name: &Name, sequence: u64) -> Vec<TrackInfo> {
        let picture = match name {
            Name::Quality(n) if self.seen.contains(&sequence) => {
                let resized = self.resized.iter().filter(|at| **at <= sequence).count() as u64;
                self.qualities[*n].track(self.era(sequence) + resized)
            }
            _ => None,
        };
        let sound = self.has_sound(name, sequence).then(|| synth::aac(0, self.sound_rate as u32, 2));
        picture.into_iter().chain(sound).collect()
    }

    fn fragments(&self, tracks: &[TrackInfo]) -> FragmentMuxer {
        FragmentMuxer::new(tracks).expect("H.264 and AAC")
    }

    fn media(&self, name: &Name, sequence: u64, from: u64, to: u64) -> Bytes {
        let tracks = self.tracks(name, sequence);
        let packets = self.packets(name, sequence, from, to);
        let mut out = BytesMut::new();
        let container = match name {
            Name::Sound(_) if self.sound == Sound::Packed => return packed(&packets),
            _ => self.container,
        };
        match container {
            Container::Ts => {
                // Its counters go on from part to part.
                let mut muxer = TsMuxer::new(&tracks).expect("H.264 and AAC");
                let mut before = 0;
                for part in 0..to {
                    if part == from {
                        before = out.len();
                    }
                    muxer.tables(&mut out);
                    for packet in &self.packets(name, sequence, part, part + 1) {
                        muxer.packet(&mut out, packet).expect("small packets");
                    }
                    muxer.flush(&mut out);
                }
                return out.freeze().slice(before..);
            }
            Container::Mp4 => {
                let mut muxer = self.fragments(&tracks);
                muxer.segment_type(&mut out);
                let next = self.packets(name, sequence, to, to + 1);
                muxer.fragment(&mut out, &packets, &next).expect("small packets");
            }
        }
        out.freeze()
    }

    /// Those of both kinds, by dts.
    fn packets(&self, name: &Name, sequence: u64, from: u64, to: u64) -> Vec<Packet> {
        let part = self.part.unwrap_or(self.segment);
        let begin = sequence as i64 * self.segment.0;
        let (from, to) = (begin + from as i64 * part.0, begin + to as i64 * part.0);
        let base = match self.era(sequence) {
            0 => self.first_stamp,
            era => OTHER_STAMP.scale(era as f64) - self.segment.scale(self.begun(era) as f64),
        };
        let mut packets = Vec::new();
        if let Name::Quality(n) = name
            && self.qualities[*n].pictures != Pictures::None
            && self.seen.contains(&sequence)
        {
            let quality = &self.qualities[*n];
            let frame = 1_000_000 / quality.fps;
            let size = (quality.bitrate as usize / 8 / quality.fps as usize).max(64);
            for number in (from + frame - 1) / frame..(to + frame - 1) / frame {
                let at = number * frame;
                let of_part = (at - begin) / part.0;
                let starts_part = (at - begin) % part.0 < frame;
                let keyframe = at - begin < frame
                    || self.part.is_some()
                        && starts_part
                        && (of_part as u64).is_multiple_of(self.independent_parts);
                let kind = if keyframe { NAL_IDR } else { NAL_REFERENCE };
                let data = match quality.pictures {
                    Pictures::Av1 => av1::picture(keyframe, size),
                    _ => picture(kind, number, size),
                };
                packets.push(synth::packet(TrackId::video(0), MediaTime(at) + base, keyframe, data));
            }
        }
        let voice = if let Name::Sound(number) = name { *number } else { 0 };
        if self.has_sound(name, sequence) {
            let first = (from * self.sound_rate + AAC_SAMPLES * 1_000_000 - 1) / (AAC_SAMPLES * 1_000_000);
            let time = |k: i64| k * AAC_SAMPLES * 1_000_000 / self.sound_rate;
            for k in (first.max(0)..).take_while(|k| time(*k) < to) {
                let at = MediaTime(time(k)) + base;
                packets.push(synth::packet(TrackId::audio(0), at, true, sound(voice)));
            }
        }
        packets.sort_by_key(|packet| (packet.dts, packet.track.kind == MediaKind::Audio));
        packets
    }
}

/// What a picture begins with, behind its NAL header; its number follows in decimal, for binary might look like a start code.
const MARK: &[u8] = b"picture:";
const DIGITS: usize = 10;

fn picture(kind: u8, number: i64, size: usize) -> Bytes {
    let mut unit = BytesMut::new();
    unit.put_u32(size as u32 - 4);
    unit.put_u8(kind);
    unit.put_slice(MARK);
    unit.put_slice(format!("{number:0DIGITS$}").as_bytes());
    unit.resize(size, 0xff);
    unit.freeze()
}

/// What a packet of another sound than the first one begins with; the voice's number follows.
const VOICE: &[u8] = b"voice:";

fn sound(voice: usize) -> Bytes {
    let mut data = vec![0x21; AAC_BYTES];
    if voice > 0 {
        data.splice(..=VOICE.len(), VOICE.iter().copied().chain([voice as u8]));
    }
    data.into()
}

/// Which of the sounds this packet is of: 0 is the first one.
pub fn voice_of(packet: &[u8]) -> u8 {
    packet.strip_prefix(VOICE).and_then(|rest| rest.first()).copied().unwrap_or(0)
}

/// Which picture of the stream this access unit is.
pub fn number_of(access_unit: &[u8]) -> Option<u64> {
    let head = access_unit.get(..access_unit.len().min(512))?;
    let at = head.windows(MARK.len()).position(|window| window == MARK)? + MARK.len();
    std::str::from_utf8(head.get(at..at + DIGITS)?).ok()?.parse().ok()
}

/// ADTS behind an ID3 tag with the time of its first frame (RFC 8216bis, 3.1.4).
fn packed(packets: &[Packet]) -> Bytes {
    const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
    let first = packets.first().map_or(MediaTime(0), |packet| packet.pts);
    let ticks = (first.0 as i128 * 9 / 100) as u64 & 0x1_ffff_ffff;
    let frame = OWNER.len() as u8 + 8;
    let mut out = b"ID3\x04\0\0\0\0\0".to_vec();
    out.push(frame + 10);
    out.extend(b"PRIV\0\0\0");
    out.extend([frame, 0, 0]);
    out.extend(OWNER);
    out.extend(ticks.to_be_bytes());
    for packet in packets {
        let len = packet.data.len() + 7;
        // AAC-LC, 48 kHz, two channels.
        out.extend([
            0xff,
            0xf1,
            0x4c,
            0x80 | (len >> 11) as u8,
            (len >> 3) as u8,
            (len << 5) as u8 | 0x1f,
            0xfc,
        ]);
        out.extend(&packet.data);
    }
    out.into()
}

fn encrypt(clear: &[u8], key: [u8; 16], sequence: u64) -> Bytes {
    let iv = u128::from(sequence).to_be_bytes();
    cbc::Encryptor::<aes::Aes128>::new(&key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(clear).into()
}
