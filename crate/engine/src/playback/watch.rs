//! What must not last: a codec that cannot be played, a stream without a keyframe, a decoder that gives nothing.

use sailcast_media::{MediaKind, MediaTime, Micros};

use super::{CODEC_TIMEOUT, KEYFRAME_TIMEOUT, Playback};
use crate::{
    decode::{Fault, Verdict},
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{DecoderId, Instant, Output},
    outbox::Outbox,
    quality::DropCause,
    retry::{Failure, Reason},
    source::{fatal, warning},
};

/// How long video may come without a picture, where there were pictures before.
const PICTURE_TIMEOUT: Micros = Micros::from_secs(10);
/// Between two packets no more than this counts: a stream that goes on without video waits for no picture.
const COMES: Micros = Micros::from_secs(1);

/// Video that comes and shows nothing: for how long it has come since the last picture.
#[derive(Debug, Default)]
pub(super) struct Barren {
    last: Option<Instant>,
    length: Micros,
    /// There was a keyframe to begin with.
    keyframe: bool,
}

impl Barren {
    /// A packet of the video came, or what was to be one.
    pub fn note(&mut self, keyframe: bool, now: Instant) {
        self.length += self.last.replace(now).map_or(Micros::ZERO, |last| (now - last).min(COMES));
        self.keyframe |= keyframe;
    }

    /// None has come since.
    pub fn is_clear(&self) -> bool {
        self.last.is_none()
    }

    /// There was a picture, or none is wanted.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Playback {
    /// Video that comes again and again to nothing is a failure of its connection: another one begins at a keyframe.
    fn watch_pictures(&mut self, now: Instant, out: &mut Outbox) {
        let is_wanted = self.video.has_shown() && !self.paused && !self.is_unseen() && !self.video.disabled;
        // One that is just being made has its own deadline.
        let is_wanted = is_wanted && !self.video.stage.is_on_trial();
        if !is_wanted {
            self.barren.clear();
        }
        if self.barren.length < PICTURE_TIMEOUT {
            return;
        }
        let error = match self.barren.keyframe {
            true => fatal(ErrorCode::VideoDecoderFailed, "The video decoder gives no picture.".to_owned()),
            false => no_keyframe(true),
        };
        self.seek_pictures(error, now, out);
    }

    /// Tries another connection for the pictures that this one does not bring.
    fn seek_pictures(&mut self, error: SailcastError, now: Instant, out: &mut Outbox) {
        self.barren.clear();
        self.video.stage.forgive();
        let played = self.end().is_some();
        let failure = Failure { reason: Reason::NoPictures, error: Some(error.clone()), final_answer: false };
        let asked = self.feed.as_mut().is_some_and(|feed| feed.fail(failure, played, now, out));
        if !asked {
            self.lose_track(MediaKind::Video, error, now, out);
        }
    }

    /// Deadlines of the first keyframe, of codecs and decoders.
    pub(super) fn watch(&mut self, now: Instant, out: &mut Outbox) {
        let due = self.unsupported_until().is_some_and(|at| now >= at);
        if let Some((_, error)) = self.unsupported.take_if(|_| due) {
            self.fail(error, now, out);
            return;
        }
        let late = self.first_video.is_some_and(|first| now - first >= KEYFRAME_TIMEOUT);
        if late && self.first_keyframe.is_none() && !self.keyframe_warned {
            if self.audio_edge().is_none() {
                self.first_video = None;
                self.seek_pictures(no_keyframe(true), now, out);
            } else {
                self.keyframe_warned = true;
                out.push(Output::Event(Event::Error(no_keyframe(false))));
            }
        }
        self.watch_pictures(now, out);
        self.watch_decoders(now, out);
    }

    fn watch_decoders(&mut self, now: Instant, out: &mut Outbox) {
        if self.hidden || self.is_suspended() {
            // Browsers let hidden pages wait.
            self.video.stage.slept(now);
        }
        if self.video.stage.is_stuck(self.video.decoder_limit(), now) {
            self.video_failed(Fault::Stuck, now, out);
        }
        if self.audio.is_stuck(now) {
            self.audio_failed(Fault::Stuck, now, out);
        }
        for kind in [MediaKind::Video, MediaKind::Audio] {
            self.watch_refused(kind, now, out);
        }
    }

    /// A configuration that no decoder takes, since others have failed for it.
    fn watch_refused(&mut self, kind: MediaKind, now: Instant, out: &mut Outbox) {
        let stage = match kind {
            MediaKind::Video => &mut self.video.stage,
            MediaKind::Audio => &mut self.audio.stage,
        };
        if stage.take_refused() {
            let what = format!("There is no decoder for the {}.", kind.as_str());
            self.lose_track(kind, fatal(ErrorCode::CodecUnsupported, what), now, out);
        }
    }

    pub(super) fn video_deadline(&self) -> Option<Instant> {
        let is_watched = !self.hidden && !self.is_suspended();
        self.video.stage.deadline(self.video.decoder_limit()).filter(|_| is_watched)
    }

    /// When the stream has had its time to bring something that can be played.
    pub(super) fn unsupported_until(&self) -> Option<Instant> {
        let (since, _) = self.unsupported.as_ref().filter(|_| !self.is_suspended())?;
        Some(*since + CODEC_TIMEOUT)
    }

    /// The decoder says itself what is damaged, and goes on: one that never got anywhere has failed.
    pub(super) fn left_out(
        &mut self,
        id: DecoderId,
        pts: MediaTime,
        why: &str,
        now: Instant,
        out: &mut Outbox,
    ) {
        let (kind, stage) = match () {
            () if self.video.stage.owns(id) => (MediaKind::Video, &mut self.video.stage),
            () if self.audio.stage.owns(id) => (MediaKind::Audio, &mut self.audio.stage),
            () => return,
        };
        let goes_on = stage.on_left_out(pts, now);
        match (goes_on, kind) {
            (true, _) => {
                if kind == MediaKind::Video {
                    self.video.drops.add(DropCause::Decoder, 1);
                }
                let what = format!("The {} decoder left out a packet: {why}.", kind.as_str());
                self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
            }
            (false, MediaKind::Video) => self.video_failed(Fault::Stuck, now, out),
            (false, MediaKind::Audio) => self.audio_failed(Fault::Stuck, now, out),
        }
    }

    pub(super) fn video_failed(&mut self, why: Fault<'_>, now: Instant, out: &mut Outbox) {
        if why == Fault::Stuck {
            self.video.stage.close_quietly(out);
        }
        let what = format!("The video decoder failed: {}.", why.words("picture"));
        match self.video.on_failed(why, self.playhead(now)) {
            Verdict::Again { .. } => self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out),
            // The event tells it.
            Verdict::Down { .. } => {}
            // It has decoded this stream before: what comes now may be the reason, and another line may not have it. Once: the
            // sound has a right to its connection.
            Verdict::Over if self.video.decoded > self.decoded_in_vain.unwrap_or_default() => {
                self.decoded_in_vain = Some(self.video.decoded);
                self.seek_pictures(fatal(ErrorCode::VideoDecoderFailed, what), now, out);
            }
            Verdict::Over => {
                self.lose_track(MediaKind::Video, fatal(ErrorCode::VideoDecoderFailed, what), now, out);
            }
        }
    }

    pub(super) fn audio_failed(&mut self, why: Fault<'_>, now: Instant, out: &mut Outbox) {
        if why == Fault::Stuck {
            self.audio.stage.close_quietly(out);
        }
        let what = format!("The audio decoder failed: {}.", why.words("sound"));
        match self.audio.stage.on_failed(why) {
            Verdict::Again { .. } => self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out),
            Verdict::Down { .. } => {}
            Verdict::Over => {
                self.lose_track(MediaKind::Audio, fatal(ErrorCode::AudioDecoderFailed, what), now, out);
            }
        }
    }
}

pub fn no_keyframe(fatal: bool) -> SailcastError {
    SailcastError { code: ErrorCode::NoKeyframe, fatal, what: "The video has no keyframe.".to_owned() }
}
