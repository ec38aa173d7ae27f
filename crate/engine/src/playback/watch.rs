//! What must not last: a codec that cannot be played, a stream without a keyframe, a decoder that gives nothing.

use sailcast_media::Micros;

use super::{CODEC_TIMEOUT, KEYFRAME_TIMEOUT, Playback};
use crate::{
    decode::Outbox,
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, Output},
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
        let is_wanted = self.video.has_shown() && !self.paused && !self.is_unseen();
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
        if let Some(connection) = &mut self.connection {
            let failure = Failure { reason: Reason::NoPictures, error: Some(error), final_answer: false };
            connection.fail(failure, played, now, out);
        }
    }

    /// Deadlines of the first keyframe, of codecs and decoders.
    pub(super) fn watch(&mut self, now: Instant, out: &mut Outbox) {
        if let Some((_, error)) = self.unsupported.take_if(|(since, _)| now - *since >= CODEC_TIMEOUT) {
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
        if self.video.stage.is_stuck(self.video.decoder_limit(), now) {
            self.video.lose_decoder();
            self.video.stage.close(out);
            self.video_failed("it takes packets and gives no picture", now, out);
        }
        if self.audio.is_stuck(now) {
            self.audio.stage.close(out);
            self.audio_failed("it takes packets and gives no sound", now, out);
        }
    }

    pub(super) fn video_failed(&mut self, why: &str, now: Instant, out: &mut Outbox) {
        self.video.lose_decoder();
        let again = self.video.stage.on_failed() && self.video.decoded > 0;
        let what = format!("The video decoder failed: {}.", sentence(why));
        if again {
            self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
            return;
        }
        let error = fatal(ErrorCode::VideoDecoderFailed, what);
        if self.video.decoded > 0 {
            // It has decoded this stream before: what comes now may be the reason, and another line may not have it.
            self.seek_pictures(error, now, out);
        } else {
            self.fail(error, now, out);
        }
    }

    pub(super) fn audio_failed(&mut self, why: &str, now: Instant, out: &mut Outbox) {
        let again = self.audio.stage.on_failed();
        let what = format!("The audio decoder failed: {}.", sentence(why));
        if again {
            self.warnings.raise(warning(ErrorCode::DataDamaged, what), now, out);
            return;
        }
        self.audio.disabled = true;
        self.audio.silence(now, out);
        self.clock.forget_sound();
        if self.first_video.is_none() {
            // Sound is all there is, unless a picture comes soon.
            self.unsupported = Some((now, fatal(ErrorCode::AudioDecoderFailed, what)));
            return;
        }
        out.push(Output::Event(Event::Error(warning(ErrorCode::AudioDecoderFailed, what))));
    }
}

/// Browsers end their messages with a full stop or not.
fn sentence(why: &str) -> &str {
    why.trim_end_matches(['.', ' '])
}

pub fn no_keyframe(fatal: bool) -> SailcastError {
    SailcastError { code: ErrorCode::NoKeyframe, fatal, what: "The video has no keyframe.".to_owned() }
}
