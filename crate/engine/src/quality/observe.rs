//! What the recorder reads from the player's inputs and outputs.
//!
//! The contract says all there is to know: bytes are inputs, decoded packets and shown pictures are outputs, and each
//! decision is an event. Nothing inside the player has to think of statistics.

use sailcast_media::{CodecParams, MediaKind, TrackInfo};

use super::{Milestone, Recorder, log, log::What};
use crate::{
    event::Event,
    io::{AudioOutput, DecoderId, Input, Instant, IoError, IoEvent, Output, Response},
};

impl Recorder {
    /// Before the player handles it.
    pub fn on_input(&mut self, input: &Input, now: Instant) {
        self.wake(now);
        let note = match input {
            Input::Load(load) => {
                let first = load.definitions.first().map_or(&load.lines, |definition| &definition.lines);
                self.begin(first.first().map_or("", String::as_str), now);
                return;
            }
            Input::Io(id, event) => {
                if self.load.as_ref().is_some_and(|load| load.request == Some(*id)) {
                    self.on_io(event, now);
                }
                return;
            }
            Input::FrameDecoded(id, _) => {
                if self.decodes_video(*id) {
                    self.reach(Milestone::Decoded, now);
                }
                return;
            }
            Input::DecoderFailed(_, why) => {
                self.log.add(What::Decoder { why: log::message(why) }, now);
                return;
            }
            Input::Latency(target) => {
                self.log.target(target.start, now);
                return;
            }
            Input::Play => "play",
            Input::Pause => "pause",
            Input::Visible(true) => "visible",
            Input::Visible(false) => "hidden",
            Input::Online(true) => "online",
            Input::Online(false) => "offline",
            Input::NetworkChanged => "networkchanged",
            Input::Suspend => "suspend",
            Input::Wake => "wake",
            Input::DecoderReclaimed(_) => "decoderreclaimed",
            Input::AudioOutput(AudioOutput::Off) => "audiooff",
            // Told again with each change of its latency.
            Input::AudioOutput(AudioOutput::Running { .. }) => return,
            Input::Resolved(_, Ok(_)) => "resolved",
            Input::Resolved(_, Err(_)) => "unresolved",
            Input::Close => "close",
            Input::SelectTrack(_) => "selecttrack",
            Input::SelectRendition(_) => "selectrendition",
            Input::SeekLive => "seeklive",
            Input::Rate(rate) => {
                if let Some(load) = &mut self.load {
                    load.times.choose(*rate, now);
                }
                "rate"
            }
            Input::Record(Some(_)) => "record",
            Input::Record(None) => "recordend",
            // Told by its event.
            Input::Seek { .. } | Input::Loop(_) | Input::Viewport { .. } | Input::Decrypted(..) => return,
            Input::SamplesDecoded(..)
            | Input::Flushed(_)
            | Input::LeftOut(..)
            | Input::NotShown(_)
            | Input::AudioPlayed { .. }
            | Input::Timeout => return,
        };
        self.log.add(What::Note(note), now);
    }

    /// As it leaves the player, whose last input came at `now`.
    pub fn on_output(&mut self, output: &Output, now: Instant) {
        match output {
            Output::Event(event) => self.on_event(event, now),
            Output::Open(id, request) => {
                if let Some(load) = &mut self.load {
                    load.request = Some(*id);
                }
                self.log.add(What::Open { address: log::address(&request.url) }, now);
            }
            Output::Configure(id, config, _) => {
                self.reach(Milestone::FirstTag, now);
                if let (Some(load), CodecParams::Video(_)) = (&mut self.load, &config.params) {
                    load.video_decoder = Some(*id);
                }
            }
            Output::Decode(id, packet) if packet.keyframe && self.decodes_video(*id) => {
                self.reach(Milestone::FirstKeyframe, now);
            }
            Output::Render(_) => self.reach(Milestone::Shown, now),
            _ => {}
        }
    }

    /// It is the video decoder of this load.
    fn decodes_video(&self, id: DecoderId) -> bool {
        self.load.as_ref().is_some_and(|load| load.video_decoder == Some(id))
    }

    fn on_io(&mut self, event: &IoEvent, now: Instant) {
        match event {
            IoEvent::Opened(Response { status, .. }) => {
                self.reach(Milestone::Connected, now);
                self.log.add(What::Connected { status: *status }, now);
                if let Some(load) = &mut self.load {
                    load.stalls.connected();
                }
                return;
            }
            IoEvent::Bytes(_) => {
                self.reach(Milestone::FirstByte, now);
                if let Some(load) = &mut self.load {
                    load.stalls.bytes(now);
                }
                return;
            }
            IoEvent::End | IoEvent::Failed(_) => {}
        }
        if let Some(load) = &mut self.load {
            load.stalls.lost();
        }
        let note = match event {
            IoEvent::Failed(IoError::Connect) => "refused",
            IoEvent::Failed(IoError::Lost) => "lost",
            IoEvent::Failed(IoError::Closed { .. }) => "closed",
            _ => "streamend",
        };
        self.log.add(What::Note(note), now);
    }

    /// The codec of a track, if it is the one that is played.
    fn note_codec(&mut self, track: &TrackInfo, selected: bool) {
        let Some(load) = &mut self.load else { return };
        let slot = match track.kind() {
            MediaKind::Video => &mut load.video,
            MediaKind::Audio => &mut load.audio,
        };
        if selected || slot.as_ref().is_some_and(|(number, _)| *number == track.id.number) {
            *slot = Some((track.id.number, log::cut(&track.config.codec_string)));
        }
    }

    fn on_event(&mut self, event: &Event, now: Instant) {
        let what = match event {
            Event::StateChange(state) => return self.enter(*state, now),
            Event::RateChange { rate } => {
                if let Some(load) = &mut self.load {
                    load.times.set_rate(*rate, now);
                }
                return self.log.rate(*rate, now);
            }
            Event::Track(track) => {
                self.reach(Milestone::FirstTag, now);
                self.note_codec(track, false);
                let codec = log::cut(&track.config.codec_string);
                What::Track { codec }
            }
            Event::Metadata(_) => return self.reach(Milestone::FirstTag, now),
            Event::DecoderChange { kind, to, reason, .. } => {
                What::DecoderChange { kind: kind.as_str(), to: to.as_str(), reason: reason.as_str() }
            }
            Event::TrackSelected(track) => return self.note_codec(track, true),
            Event::Cue(_) => return,
            Event::FirstFrame => {
                self.reach(Milestone::Shown, now);
                let Some(after) = self.load.as_ref().and_then(|load| load.start_up.shown) else { return };
                What::FirstFrame { after }
            }
            Event::Skip { from, to } => {
                if let Some(load) = &mut self.load {
                    load.times.skip(*to - *from);
                }
                What::Skip { length: *to - *from }
            }
            Event::Discontinuity(jump) => What::Discontinuity { kind: jump.kind.as_str(), delta: jump.delta },
            Event::TargetChange { target } => return self.log.target(*target, now),
            Event::Reconnecting { attempt, delay, reason } => {
                if let Some(load) = &mut self.load {
                    load.count_reconnect(reason.as_str());
                    load.stalls.lost();
                }
                What::Reconnecting { attempt: *attempt, delay: *delay, reason: reason.as_str() }
            }
            Event::Reconnected { attempt } => What::Reconnected { attempt: *attempt },
            Event::Seeking(_) => {
                self.seek(now);
                What::Note("seeking")
            }
            Event::RenditionChange { .. } => What::Note("rendition"),
            Event::RecordingFailed(_) => What::Note("recording failed"),
            Event::NeedsAll => What::Note("no stream"),
            Event::Source { kind, .. } => What::Note(kind.as_str()),
            Event::Degraded => What::Note("degraded"),
            Event::Recovered => What::Note("recovered"),
            Event::Error(error) => {
                What::Error { code: error.code.code(), fatal: error.fatal, what: log::message(&error.what) }
            }
            // The state says the same.
            Event::Playing | Event::Waiting | Event::Ended | Event::Resize { .. } => return,
            Event::DurationChange { .. } | Event::Seeked(_) | Event::Renditions(_) => return,
        };
        self.log.add(what, now);
    }
}
