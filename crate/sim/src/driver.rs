//! Does what the engine says, with virtual decoders, and checks that it may be said.

use sailcast_engine::{DecoderId, FrameId, FrameInfo, Input, Instant, Output, PcmBlock};
use sailcast_media::{AudioParams, CodecParams, DecoderConfig, MediaTime, Micros, Packet};

use crate::{
    browser::{Happening, Sim},
    card::sample_of,
};

/// Samples of an AAC access unit.
const AAC_SAMPLES: u32 = 1024;
const SOUND_DECODE_TIME: Micros = Micros(300);
/// The page asks its own server for a signed address.
const RESOLVE_TIME: Micros = Micros(30_000);
const FLUSH_TIME: Micros = Micros(1000);

pub struct Decoder {
    pub config: DecoderConfig,
    fresh: bool,
    reorder: Vec<Picture>,
    busy_until: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Picture {
    pub pts: MediaTime,
    pub number: Option<u64>,
}

impl Sim {
    pub(crate) fn drain(&mut self) {
        loop {
            match self.player.poll_output() {
                Output::Wait(at) => {
                    self.wake = at.map(|at| at.max(self.now + Micros(1)));
                    break;
                }
                output => self.obey(output),
            }
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Open(id, request) => {
                let stream = self.server.connect(&request, self.now);
                self.requests.push((id, request.url));
                self.connected(id, stream);
            }
            Output::Cancel(id) => {
                self.cancelled.push(id);
                self.disconnected(id);
            }
            Output::Resolve(id, request) => {
                let url = format!("{}?attempt={}", request.url, request.attempt);
                self.resolved.push(request);
                self.schedule(RESOLVE_TIME, Happening::Input(Input::Resolved(id, Ok(url))));
            }
            Output::Configure(id, config, _) => {
                let decoder = Decoder { config, fresh: true, reorder: Vec::new(), busy_until: self.now };
                assert!(self.decoders.insert(id, decoder).is_none(), "decoder id used twice");
                self.decoders_made += 1;
            }
            Output::Decode(id, packet) => self.decode(id, packet),
            Output::Flush(id) => self.flush(id),
            Output::CloseDecoder(id) => {
                self.decoders.remove(&id);
                assert!(self.closed_decoders.insert(id), "closed a decoder twice");
            }
            Output::Render(id) => {
                let picture = self.take_frame(id);
                if let Some(last) = self.last_shown {
                    assert!(picture.pts > last, "picture went back from {last:?} to {:?}", picture.pts);
                }
                self.last_shown = Some(picture.pts);
                self.shown.push((self.now, picture.pts));
                self.shown_numbers.push(picture.number);
            }
            Output::Release(id) => {
                self.take_frame(id);
            }
            Output::Pcm(block) => {
                let card = self.card.as_mut().expect("PCM without an output");
                assert_eq!(block.sample_rate, card.sample_rate);
                assert_eq!(block.channels, 2);
                card.ring.extend(block.data.chunks(2).map(|c| c[0]));
            }
            Output::ClearPcm => {
                if let Some(card) = &mut self.card {
                    card.clear();
                }
            }
            Output::Event(event) => self.events.push((self.now, event)),
            Output::Wait(_) => {}
        }
    }

    fn take_frame(&mut self, id: FrameId) -> Picture {
        self.frames.remove(&id).unwrap_or_else(|| panic!("{id:?} finished twice, or never decoded"))
    }

    fn decode(&mut self, id: DecoderId, packet: Packet) {
        // Packets already on their way to a decoder that failed come to nothing.
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        assert!(packet.keyframe || !decoder.fresh, "a delta packet first");
        decoder.fresh = false;
        let start = decoder.busy_until.max(self.now);
        match decoder.config.params {
            CodecParams::Video(_) if self.video_swallowed => {}
            CodecParams::Video(v) => {
                let done = start + self.video_decode_time;
                decoder.busy_until = done;
                decoder
                    .reorder
                    .push(Picture { pts: packet.pts, number: crate::stream::number_of(&packet.data) });
                decoder.reorder.sort();
                if decoder.reorder.len() > usize::from(v.reorder_depth) {
                    let picture = decoder.reorder.remove(0);
                    self.emit(id, picture, done);
                }
            }
            CodecParams::Audio(_) if self.audio_broken => {
                self.decoders.remove(&id);
                self.schedule(Micros(500), Happening::Input(Input::DecoderFailed(id, "no".into())));
            }
            CodecParams::Audio(a) => {
                let done = start + SOUND_DECODE_TIME;
                decoder.busy_until = done;
                if let Some(card) = &mut self.card {
                    card.near = packet.pts;
                }
                let block = self.sound(packet.pts, a);
                let after = done - self.now;
                self.schedule(after, Happening::Input(Input::SamplesDecoded(id, packet.pts, block)));
            }
        }
    }

    fn sound(&self, pts: MediaTime, params: AudioParams) -> PcmBlock {
        let divisor = self.sound_divisor.max(1);
        let channels = usize::from(params.channels.max(1));
        let sample_rate = params.sample_rate / divisor;
        let data = (0..AAC_SAMPLES / divisor)
            .flat_map(|i| {
                let value = sample_of(pts + Micros(MediaTime::from_ticks(i.into(), sample_rate).0));
                std::iter::repeat_n(value, channels)
            })
            .collect();
        PcmBlock { sample_rate, channels: params.channels, data }
    }

    fn emit(&mut self, id: DecoderId, picture: Picture, at: Instant) {
        self.next_frame += 1;
        let frame = FrameInfo { id: FrameId(self.next_frame), pts: picture.pts, width: 640, height: 360 };
        self.frames.insert(frame.id, picture);
        self.max_outstanding = self.max_outstanding.max(self.frames.len());
        let after = at - self.now;
        self.schedule(after, Happening::Input(Input::FrameDecoded(id, frame)));
    }

    fn flush(&mut self, id: DecoderId) {
        let Some(decoder) = self.decoders.get_mut(&id) else { return };
        decoder.fresh = true;
        let done = decoder.busy_until.max(self.now) + FLUSH_TIME;
        for picture in std::mem::take(&mut decoder.reorder) {
            self.emit(id, picture, done);
        }
        let after = done - self.now;
        self.schedule(after, Happening::Input(Input::Flushed(id)));
    }
}
