//! A track of sound: from an elementary stream to packets.
//!
//! Times between those of the container are counted in samples from the last one, so that they do not drift.

use bytes::Bytes;

use crate::{
    codec::{
        TrackState,
        frames::{Cut, Frame, Frames, Syntax},
        latm::Latm,
    },
    demux::{DemuxEvent, SkipReason},
    elementary::{Outlet, Stamp, TIMESCALE, stamps::Stamps},
    packet::{Codec, CodecParams, DecoderConfig, Packet, TrackId, TrackInfo},
    time::{MediaTime, Micros},
};

#[derive(Debug)]
pub(crate) struct Sound {
    id: TrackId,
    frames: Frames,
    stamps: Stamps,
    decode: Option<Reader>,
    /// Where the count of samples begins.
    anchor: Option<Anchor>,
    /// Known before the first frame, and not yet told.
    config: Option<DecoderConfig>,
}

#[derive(Debug)]
struct Reader {
    state: TrackState,
    latm: Option<Latm>,
    /// In Hz, as the configuration says.
    rate: u32,
}

#[derive(Clone, Copy, Debug)]
struct Anchor {
    time: MediaTime,
    samples: u64,
    rate: u32,
}

impl Sound {
    pub fn new(id: TrackId, syntax: Syntax) -> Self {
        Self { decode: Some(Reader::new(syntax)), ..Self::of(id, Frames::new(syntax)) }
    }

    /// Packed audio: frames of any codec with ID3 tags between them, from time 0 unless a tag says another.
    pub fn packed(id: TrackId) -> Self {
        Self { anchor: Some(Anchor::at(MediaTime(0))), ..Self::of(id, Frames::packed()) }
    }

    fn of(id: TrackId, frames: Frames) -> Self {
        Self { id, frames, stamps: Stamps::default(), decode: None, anchor: None, config: None }
    }

    /// Takes what the container says of the decoder.
    pub fn configure(&mut self, description: Bytes) {
        if let Some(reader) = &mut self.decode {
            self.config = reader.state.configure(description).unwrap_or_default();
        }
    }

    pub fn id(&self) -> TrackId {
        self.id
    }

    /// What is pushed next has this time, and stands at `at` in the container.
    pub fn mark(&mut self, at: u64, stamp: Option<Stamp>) {
        self.stamps.mark(self.frames.end(), at, stamp);
    }

    pub fn push(&mut self, data: &[u8]) {
        self.frames.push(data);
    }

    /// The next ID3 tag between frames, after the packets before it; `None` when more bytes are needed.
    pub fn drain(&mut self, ended: bool, out: &mut Outlet) -> Option<(u64, Bytes)> {
        while let Some(cut) = self.frames.next(ended) {
            match cut {
                Cut::Frame(frame) => self.frame(frame, out),
                Cut::Tag { at, data } => return Some((at, data)),
                Cut::Skipped { at, len } => {
                    out.skipped(Some(self.id), self.stamps.place(at), len, SkipReason::LostSync);
                }
            }
        }
        if ended {
            self.frames.part();
        }
        None
    }

    /// The frames behind here begin at this time.
    pub fn begin_at(&mut self, time: MediaTime) {
        self.anchor = Some(Anchor::at(time));
    }

    /// The time of the next frame.
    pub fn now(&self) -> Option<MediaTime> {
        self.anchor.map(Anchor::now)
    }

    /// Drops the frame that is not whole; how many bytes that were. Nothing has a time until the container tells one.
    pub fn forget(&mut self) -> u64 {
        self.anchor = None;
        self.frames.forget()
    }

    pub fn buffered_bytes(&self) -> usize {
        self.frames.buffered_bytes()
    }

    /// A frame was found.
    pub fn has_begun(&self) -> bool {
        self.decode.is_some()
    }

    /// Bytes passed in search of the first frame, where that was given up.
    pub fn gave_up(&self) -> Option<u64> {
        self.frames.gave_up()
    }

    fn frame(&mut self, frame: Frame, out: &mut Outlet) {
        let (at, stamp) = self.stamps.take(frame.at);
        let len = frame.data.len() as u64;
        if let Some(stamp) = stamp {
            self.begin_at(MediaTime::from_ticks(out.clock.advance(stamp.pts), TIMESCALE));
        }
        let Some(mut anchor) = self.anchor else {
            return out.skipped(Some(self.id), at, len, SkipReason::NoTime);
        };
        let begins = anchor.now();
        anchor.count(frame.samples, frame.rate);
        let tells_its_length = frame.rate > 0;
        let read = self.read(frame, begins, &mut anchor, out);
        self.anchor = Some(anchor).filter(|_| tells_its_length || read.is_ok());
        if let Err(why) = read {
            out.skipped(Some(self.id), at, len, why);
        }
    }

    fn read(
        &mut self,
        frame: Frame,
        begins: MediaTime,
        ends: &mut Anchor,
        out: &mut Outlet,
    ) -> Result<(), SkipReason> {
        let Some(syntax) = self.frames.syntax() else { return Ok(()) };
        let reader = self.decode.get_or_insert_with(|| Reader::new(syntax));
        let mut told = self.config.take();
        let mut time = begins;
        for payload in reader.payloads(frame.data, &mut told)? {
            let facts = reader.state.packet(payload)?;
            if let Some(config) = facts.config.or(told.take()) {
                reader.note(&config);
                out.events.push_back(DemuxEvent::Track(TrackInfo { id: self.id, config }));
            }
            let mut lasts = Micros::ZERO;
            for unit in facts.units {
                let dts = time + unit.offset;
                lasts = unit.offset + unit.duration.unwrap_or_default();
                out.latest = Some(dts);
                out.events.push_back(DemuxEvent::Packet(Packet {
                    track: self.id,
                    dts,
                    pts: dts,
                    duration: unit.duration,
                    keyframe: unit.keyframe,
                    disposable: unit.disposable,
                    data: unit.data,
                }));
            }
            if frame.rate == 0 {
                ends.count(reader.samples_in(lasts), reader.rate);
                time = ends.now();
            }
        }
        Ok(())
    }
}

impl Reader {
    fn new(syntax: Syntax) -> Self {
        let codec = match syntax {
            Syntax::Adts | Syntax::Loas => Codec::Aac,
            Syntax::Mpeg => Codec::Mp3,
            Syntax::Ac3 => Codec::Ac3,
            Syntax::Opus => Codec::Opus,
        };
        let latm = (syntax == Syntax::Loas).then(Latm::default);
        Self { state: TrackState::new(codec), latm, rate: 0 }
    }

    fn note(&mut self, config: &DecoderConfig) {
        if let CodecParams::Audio(audio) = config.params {
            self.rate = audio.sample_rate;
        }
    }

    /// Whole samples, of which a span in microseconds is a little less.
    fn samples_in(&self, span: Micros) -> u32 {
        let samples = span.0.saturating_mul(self.rate.into()).saturating_add(999_999).div_euclid(1_000_000);
        u32::try_from(samples).unwrap_or_default()
    }

    /// What the codec's reader takes of a frame; a configuration that came with it is `told`.
    fn payloads(&mut self, data: Bytes, told: &mut Option<DecoderConfig>) -> Result<Vec<Bytes>, SkipReason> {
        let Some(latm) = &mut self.latm else { return Ok(vec![data]) };
        let element = latm.read(&data).ok_or(SkipReason::BadPacket)?;
        let config = self.state.configure(element.config).map_err(|_| SkipReason::BadConfig)?;
        *told = config.or(told.take());
        Ok(element.payloads)
    }
}

impl Anchor {
    fn at(time: MediaTime) -> Self {
        Self { time, samples: 0, rate: 0 }
    }

    fn now(self) -> MediaTime {
        let rate = u128::from(self.rate.max(1));
        let us = u128::from(self.samples).saturating_mul(1_000_000).checked_div(rate).unwrap_or_default();
        self.time + Micros(i64::try_from(us).unwrap_or(i64::MAX))
    }

    fn count(&mut self, samples: u32, rate: u32) {
        if samples == 0 {
            return;
        }
        if self.rate != rate {
            *self = Self { rate, ..Self::at(self.now()) };
        }
        self.samples = self.samples.saturating_add(samples.into());
    }
}
