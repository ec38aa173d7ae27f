//! What must not last: a codec that cannot be played, a stream without a keyframe, a decoder that gives nothing.

use super::{CODEC_TIMEOUT, KEYFRAME_TIMEOUT, Playback};
use crate::{
    decode::Outbox,
    error::{ErrorCode, SailcastError},
    event::Event,
    io::{Instant, Output},
    retry::{Failure, Reason},
    source::{fatal, warning},
};

impl Playback {
    /// Deadlines of the first keyframe, of codecs and decoders.
    pub(super) fn watch(&mut self, now: Instant, out: &mut Outbox) {
        if let Some((_, error)) = self.unsupported.take_if(|(since, _)| now - *since >= CODEC_TIMEOUT) {
            self.fail(error, now, out);
            return;
        }
        let late = self.first_video.is_some_and(|first| now - first >= KEYFRAME_TIMEOUT);
        if late && self.first_keyframe.is_none() && !self.keyframe_warned {
            self.keyframe_warned = true;
            let alone = self.audio_edge().is_none();
            if alone {
                self.fail(no_keyframe(true), now, out);
            } else {
                out.push(Output::Event(Event::Error(no_keyframe(false))));
            }
        }
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
        match &mut self.connection {
            // It has decoded this stream before: what comes now may be the reason, and another line may not have it.
            Some(connection) if self.video.decoded > 0 => {
                self.video.stage.forgive();
                let failure = Failure { reason: Reason::NoPictures, error: Some(error), final_answer: false };
                connection.fail(failure, true, now, out);
            }
            _ => self.fail(error, now, out),
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
