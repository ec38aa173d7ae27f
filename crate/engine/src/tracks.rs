//! Which of a kind's tracks is played.
//!
//! At the start the one with the lowest number that can be played; then the one that was asked for; and another one in place
//! of what fails or stops coming. **Invariant:** from one track to another it goes at a keyframe of the latter, and until then the
//! former is played. It holds no packets.

use sailcast_media::{MediaKind, Micros, Packet, TrackId, TrackInfo};

use crate::io::Instant;

/// A track of which nothing came for so long, while others of its kind did, has stopped. Slow pictures are no gaps: it is longer
/// than any keyframe interval of a slide show that has a faster twin.
const VANISHED: Micros = Micros::from_secs(5);

#[derive(Debug)]
struct Known {
    info: TrackInfo,
    /// When its last packet came, or when it was announced.
    seen: Instant,
    /// No decoder takes its present configuration.
    failed: bool,
    /// It has stopped coming.
    gone: bool,
}

/// What to do with a packet.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// It is of the track that is played.
    Played,
    /// From here on this track is played.
    Switched(TrackInfo),
    /// It is of another one.
    Left,
}

/// The tracks of one kind, and the one of them that is played.
#[derive(Debug, Default)]
pub struct Tracks {
    /// Numbers are bytes: there are not many.
    known: Vec<Known>,
    playing: Option<u8>,
    asked: Option<u8>,
    /// Playback has begun: a lower number that comes now does not replace what is played.
    settled: bool,
}

impl Tracks {
    /// A track is there, or its configuration is another one. False if it is as it was.
    pub fn announce(&mut self, info: &TrackInfo, playable: bool, now: Instant) -> bool {
        let number = info.id.number;
        match self.known.iter_mut().find(|k| k.info.id.number == number) {
            Some(known) if known.info == *info => return false,
            Some(known) => {
                known.info = info.clone();
                known.failed = !playable;
            }
            None => {
                let known = Known { info: info.clone(), seen: now, failed: !playable, gone: false };
                self.known.push(known);
            }
        }
        true
    }

    pub fn is_playing(&self, number: u8) -> bool {
        self.playing == Some(number)
    }

    /// The one that is played.
    pub fn played(&self) -> Option<TrackId> {
        self.find(self.playing?).map(|known| known.info.id)
    }

    /// It is the one that is played, or no other is.
    pub fn plays(&self, number: u8) -> bool {
        self.playing.is_none_or(|playing| playing == number)
    }

    /// The track to begin with, when none is played.
    pub fn begin(&mut self) -> Option<TrackInfo> {
        if self.playing.is_some() {
            return None;
        }
        let number = self.wanted()?;
        self.playing = Some(number);
        self.find(number).map(|known| known.info.clone())
    }

    /// Playback has begun.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// The page wants this one, as soon as it is there.
    pub fn select(&mut self, number: u8) {
        self.asked = Some(number);
    }

    /// The source gives this one in place of the one that is played now.
    pub fn follow(&mut self, number: u8) {
        self.asked = Some(number);
        for known in self.known.iter_mut().filter(|k| k.info.id.number == number) {
            (known.failed, known.gone) = (false, false);
        }
    }

    /// No decoder takes what is played now. Whether another one will be played in its place.
    pub fn fail(&mut self) -> bool {
        let playing = self.playing;
        for known in self.known.iter_mut().filter(|k| Some(k.info.id.number) == playing) {
            known.failed = true;
        }
        self.wanted().is_some()
    }

    /// Another connection: what comes of it shows only now.
    pub fn joined(&mut self, now: Instant) {
        for known in &mut self.known {
            known.seen = now;
        }
    }

    /// Judges a packet by its track.
    pub fn take(&mut self, packet: &Packet, now: Instant) -> Taken {
        let number = packet.track.number;
        let Some(known) = self.known.iter_mut().find(|k| k.info.id.number == number) else {
            return if self.playing.is_none() { Taken::Played } else { Taken::Left };
        };
        (known.seen, known.gone) = (now, false);
        if self.playing != Some(number) {
            self.notice_gone(now);
        }
        let can_begin = packet.keyframe || packet.track.kind == MediaKind::Audio;
        match self.wanted() {
            Some(wanted) if wanted == number && self.playing != Some(number) && can_begin => {
                self.playing = Some(number);
                self.find(number).map_or(Taken::Played, |known| Taken::Switched(known.info.clone()))
            }
            _ if self.playing == Some(number) => Taken::Played,
            _ => Taken::Left,
        }
    }

    /// Others come: does the one that is played?
    fn notice_gone(&mut self, now: Instant) {
        let playing = self.playing;
        let mut played = self.known.iter_mut().filter(|k| Some(k.info.id.number) == playing);
        if let Some(known) = played.next().filter(|known| now - known.seen > VANISHED) {
            known.gone = true;
            if self.asked == playing {
                self.asked = None;
            }
        }
    }

    /// The one that should be played.
    fn wanted(&self) -> Option<u8> {
        let is_good = |number: u8| self.find(number).is_some_and(|k| !k.failed && !k.gone);
        let asked = self.asked.filter(|number| self.find(*number).is_some_and(|k| !k.failed));
        let stays = self.playing.filter(|number| self.settled && is_good(*number));
        let lowest = || self.known.iter().map(|k| k.info.id.number).filter(|n| is_good(*n)).min();
        asked.or(stays).or_else(lowest)
    }

    fn find(&self, number: u8) -> Option<&Known> {
        self.known.iter().find(|k| k.info.id.number == number)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::{Codec, CodecParams, DecoderConfig, MediaTime, TrackId, VideoParams};

    use super::*;

    fn info(number: u8) -> TrackInfo {
        let config = DecoderConfig {
            codec: Codec::Avc,
            codec_string: String::new(),
            description: Bytes::new(),
            params: CodecParams::Video(VideoParams::of_size(2, 2)),
        };
        TrackInfo { id: TrackId::video(number), config }
    }

    fn take(tracks: &mut Tracks, number: u8, keyframe: bool, ms: u64) -> Taken {
        let at = MediaTime(0);
        let track = TrackId::video(number);
        let data = Bytes::new();
        let packet = Packet { track, dts: at, pts: at, duration: None, keyframe, disposable: false, data };
        tracks.take(&packet, Instant(ms * 1000))
    }

    fn playing(numbers: &[u8]) -> Tracks {
        let mut tracks = Tracks::default();
        for number in numbers {
            assert!(tracks.announce(&info(*number), true, Instant(0)));
            tracks.begin();
        }
        tracks
    }

    #[test]
    fn the_lowest_number_is_played_whatever_comes_first() {
        let mut tracks = playing(&[2, 1, 3]);
        assert_eq!(take(&mut tracks, 2, true, 0), Taken::Played);
        assert_eq!(take(&mut tracks, 1, false, 0), Taken::Left);
        assert_eq!(take(&mut tracks, 1, true, 1), Taken::Switched(info(1)));
        assert_eq!(take(&mut tracks, 2, true, 2), Taken::Left);
        assert_eq!(take(&mut tracks, 1, false, 2), Taken::Played);
    }

    #[test]
    fn a_lower_number_that_comes_in_mid_play_disturbs_nothing() {
        let mut tracks = playing(&[2]);
        tracks.settle();
        tracks.announce(&info(1), true, Instant(0));
        assert_eq!(take(&mut tracks, 1, true, 1), Taken::Left);
        assert_eq!(take(&mut tracks, 2, true, 1), Taken::Played);
    }

    #[test]
    fn one_that_was_asked_for_is_played_when_it_is_there_and_from_a_keyframe_on() {
        let mut tracks = playing(&[0]);
        tracks.settle();
        tracks.select(7);
        assert_eq!(take(&mut tracks, 0, false, 0), Taken::Played);
        tracks.announce(&info(7), true, Instant(0));
        assert_eq!(take(&mut tracks, 7, false, 1), Taken::Left);
        assert_eq!(take(&mut tracks, 0, true, 1), Taken::Played);
        assert_eq!(take(&mut tracks, 7, true, 2), Taken::Switched(info(7)));
        tracks.select(0);
        assert_eq!(take(&mut tracks, 0, true, 3), Taken::Switched(info(0)));
    }

    #[test]
    fn what_stops_coming_is_replaced_and_does_not_come_back_by_itself() {
        let mut tracks = playing(&[0, 1]);
        tracks.settle();
        tracks.select(1);
        assert_eq!(take(&mut tracks, 1, true, 0), Taken::Switched(info(1)));
        for ms in (0..5_000).step_by(100) {
            assert_eq!(take(&mut tracks, 0, true, ms), Taken::Left, "{ms}");
        }
        assert_eq!(take(&mut tracks, 0, true, 5_100), Taken::Switched(info(0)));
        assert_eq!(take(&mut tracks, 1, true, 5_200), Taken::Left);
    }

    #[test]
    fn another_connection_has_its_time_to_bring_it() {
        let mut tracks = playing(&[0, 1]);
        tracks.settle();
        tracks.joined(Instant(30_000_000));
        assert_eq!(take(&mut tracks, 1, true, 30_001), Taken::Left);
        assert_eq!(take(&mut tracks, 0, true, 30_002), Taken::Played);
    }

    #[test]
    fn what_cannot_be_played_is_passed_over() {
        let mut tracks = Tracks::default();
        tracks.announce(&info(0), false, Instant(0));
        assert_eq!(tracks.begin(), None);
        tracks.announce(&info(1), true, Instant(0));
        assert_eq!(tracks.begin(), Some(info(1)));
        tracks.announce(&info(2), true, Instant(0));
        assert!(tracks.fail());
        assert_eq!(take(&mut tracks, 1, true, 0), Taken::Played, "until the other one can begin");
        assert_eq!(take(&mut tracks, 2, true, 0), Taken::Switched(info(2)));
        assert!(!tracks.fail());
    }
}
