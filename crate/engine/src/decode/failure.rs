//! A decoder that failed: the same again, the rung below, or the end of it.
//!
//! A failure may be the packets' or the decoder's. Another decoder on the same packets tells: if it, too, gives nothing, where
//! there have been better ones, it is not the packets; if it comes as far and no farther, it is.

use std::collections::VecDeque;

use sailcast_media::MediaKind;

use super::DecodeStage;
use crate::{ladder::PathReason, queue::Item, text};

/// Decoders made one after the other that give nothing, where there have been better ones: it is not the packets. Pictures
/// are given again whole, of sound the piece that may be to blame is left out.
const TRIES_OF_VIDEO: u8 = 2;
const TRIES_OF_AUDIO: u8 = 3;
/// The same on the lowest rung.
const MOST_TRIES: u8 = 3;
/// GOPs in a row that the decoder could not get through, though it began: another one may.
const MOST_SPOILED: u8 = 3;

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another decoder of the same kind. `replays`: it is given what the failed one had.
    Again { replays: bool },
    /// The rung below.
    Down { replays: bool },
    /// Nothing is left to try.
    Over,
}

/// How a decoder failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// It said so.
    Error(&'a str),
    /// It takes packets and gives nothing.
    Stuck,
}

impl Fault<'_> {
    /// For a sentence's end. Browsers end their messages with a full stop or not.
    pub fn words(&self, missing: &str) -> String {
        match self {
            Self::Error(why) => why.trim_end_matches(['.', ' ']).to_owned(),
            Self::Stuck => format!("it takes packets and gives no {missing}"),
        }
    }
}

/// Browsers refuse a first picture that is no IDR, and say so in these words (WebCodecs has but a `DataError` for it).
fn wants_keyframe(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    ["key frame", "keyframe", "key chunk"].iter().any(|words| text::contains(&why, words))
}

impl DecodeStage {
    /// The decoder has failed and is gone: what now? By then the next one is prepared.
    pub fn on_failed(&mut self, why: Fault<'_>) -> Verdict {
        let (Some(track), Some(path)) = (self.config.clone(), self.path) else { return Verdict::Over };
        self.failures = self.failures.saturating_add(1);
        // It began, and comes to nothing at the same pictures again: they are to blame, until there are many such.
        let spoiled = self.gave && self.recent.restarts() > 0;
        if spoiled {
            self.spoiled = self.spoiled.saturating_add(1);
        }
        let tries = if track.kind() == MediaKind::Video { TRIES_OF_VIDEO } else { TRIES_OF_AUDIO };
        let reason = match why {
            Fault::Stuck => Some(PathReason::NoOutput),
            Fault::Error(why) if !self.gave && wants_keyframe(why) => Some(PathReason::Keyframe),
            Fault::Error(_) if !self.worked => Some(PathReason::Unsupported),
            Fault::Error(_) if self.failures >= tries || self.spoiled >= MOST_SPOILED => {
                Some(PathReason::Failed)
            }
            Fault::Error(_) => None,
        };
        if let Some(reason) = reason
            && self.ladder.step_down(&track.config, path, reason)
        {
            self.spoiled = 0;
            return Verdict::Down { replays: self.replay() };
        }
        if !self.worked || self.failures >= MOST_TRIES {
            self.restart();
            // Whatever comes in its place may try them all.
            self.ladder.forgive();
            return Verdict::Over;
        }
        Verdict::Again { replays: self.go_on(spoiled) }
    }

    /// The browser has taken the decoder: another one goes on from the last keyframe, but not again and again.
    pub fn on_reclaimed(&mut self) -> bool {
        self.go_on(self.recent.restarts() > 0)
    }

    /// The next decoder begins behind what the last one had, or with it. Whether it is given anything again.
    fn go_on(&mut self, behind: bool) -> bool {
        if behind {
            self.restart();
            return false;
        }
        self.replay()
    }

    /// The decoder is gone; the next one is given the same. Whether there was anything to give.
    pub(super) fn replay(&mut self) -> bool {
        self.lose();
        let Some(track) = self.config.clone() else { return false };
        // With another configuration in front, what is lost is the last of the old one.
        let mut packets = match self.queue.front() {
            Some(Item::Config(_)) => VecDeque::new(),
            _ => self.recent.replay(),
        };
        if track.kind() == MediaKind::Audio {
            packets.pop_front();
        }
        let replays = !packets.is_empty();
        self.queue.push_front_packets(packets);
        self.queue.push_front_config(track);
        replays
    }
}
