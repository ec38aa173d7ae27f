//! A media element with a source buffer, as good as one can be: appends cost nothing, a seek is exact and takes no time.
//!
//! It plays what both tracks have, stands at the end of that, and goes on when the rule's reserve is there. A decoder slower
//! than the stream shows its pictures late and leaves the rest of a GOP out when the next one is due.

use std::collections::VecDeque;

use sailcast_engine::Instant;
use sailcast_media::{MediaKind, MediaTime, Micros};

use super::rules::{Action, Rule, View};
use crate::meter::Meter;

const TIME_UPDATE: Micros = Micros::from_millis(250);
/// Decoders work so far ahead of the playhead.
const DECODE_AHEAD: Micros = Micros::from_millis(300);

struct Picture {
    pts: MediaTime,
    number: u64,
    keyframe: bool,
    came: Instant,
    decoded: Option<Instant>,
}

pub struct Element {
    rule: Box<dyn Rule>,
    pub meter: Meter,
    has_sound: bool,
    frame: Micros,
    decode_time: Micros,
    decoder_free: Instant,
    pictures: VecDeque<Picture>,
    start: Option<MediaTime>,
    video_end: Option<MediaTime>,
    sound_end: Option<MediaTime>,
    position: Option<MediaTime>,
    playing: bool,
    rate: f64,
    at: Instant,
    next_update: Instant,
}

impl Element {
    pub fn new(
        rule: Box<dyn Rule>,
        meter: Meter,
        has_sound: bool,
        frame: Micros,
        decode_time: Micros,
        now: Instant,
    ) -> Self {
        Self {
            rule,
            meter,
            has_sound,
            frame,
            decode_time,
            decoder_free: now,
            pictures: VecDeque::new(),
            start: None,
            video_end: None,
            sound_end: None,
            position: None,
            playing: false,
            rate: 1.0,
            at: now,
            next_update: now,
        }
    }

    /// A packet came and is appended.
    pub fn append(
        &mut self,
        kind: MediaKind,
        pts: MediaTime,
        length: Micros,
        number: Option<(u64, bool)>,
        now: Instant,
    ) {
        let end = match kind {
            MediaKind::Video => &mut self.video_end,
            MediaKind::Audio => &mut self.sound_end,
        };
        *end = Some(end.map_or(pts + length, |e| e.max(pts + length)));
        if let Some((number, keyframe)) = number {
            self.start.get_or_insert(pts);
            self.pictures.push_back(Picture { pts, number, keyframe, came: now, decoded: None });
        }
        if self.playing
            && let Some(view) = self.view()
        {
            let action = self.rule.on_append(view);
            self.act(action);
        }
    }

    fn end(&self) -> Option<MediaTime> {
        match (self.video_end, self.sound_end) {
            (Some(video), Some(sound)) => Some(video.min(sound)),
            (Some(video), None) if !self.has_sound => Some(video),
            _ => None,
        }
    }

    /// Buffered beyond the playhead.
    pub fn ahead(&self) -> Option<Micros> {
        Some(self.end()? - self.position.or(self.start)?)
    }

    fn view(&self) -> Option<View> {
        Some(View { ahead: self.ahead()?.as_secs_f64(), rate: self.rate })
    }

    /// Time passes up to `now`: a step of some milliseconds.
    pub fn advance(&mut self, now: Instant) {
        let passed = now - self.at;
        self.at = now;
        let (Some(end), Some(start)) = (self.end(), self.start) else { return };
        let position = self.position.unwrap_or(start);
        if self.playing {
            let to = position + passed.scale(self.rate);
            if to >= end {
                self.playing = false;
                self.rule.on_stall();
                self.position = Some(end.max(position));
            } else {
                self.position = Some(to);
            }
        } else {
            if self.position.is_some() {
                self.meter.silent(passed);
            }
            self.try_to_start(position, end, now);
        }
        if self.playing && now >= self.next_update {
            self.next_update = now + TIME_UPDATE;
            if let Some(view) = self.view() {
                let action = self.rule.on_time_update(view);
                self.act(action);
            }
        }
        self.decode(now);
        self.show(now);
    }

    fn try_to_start(&mut self, position: MediaTime, end: MediaTime, now: Instant) {
        let needed = if self.position.is_none() { self.rule.start() } else { self.rule.resume() };
        if (end - position).as_secs_f64() < needed {
            return;
        }
        self.playing = true;
        self.meter.playing(now);
        self.position = Some(position);
        self.next_update = now + TIME_UPDATE;
        if let Some(view) = self.view() {
            let action = self.rule.on_start(view);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::None => {}
            Action::Rate(rate) => {
                self.rate = rate;
                self.meter.rate(rate, self.at);
            }
            Action::Seek(before_end) => {
                if let Some(end) = self.end() {
                    self.position = Some(end + Micros(-(before_end * 1e6) as i64));
                }
            }
        }
    }

    fn decode(&mut self, now: Instant) {
        let Some(playhead) = self.position.or(self.start) else { return };
        // Pictures whose GOP is past are not decoded any more.
        if let Some(due) = self.pictures.iter().rposition(|p| p.keyframe && p.pts <= playhead) {
            let next_undecoded = self.pictures.iter().position(|p| p.decoded.is_none()).unwrap_or(0);
            if next_undecoded < due {
                self.pictures.drain(..due);
            }
        }
        let horizon = playhead + DECODE_AHEAD;
        for picture in self.pictures.iter_mut().filter(|p| p.decoded.is_none()) {
            let begin = self.decoder_free.max(picture.came);
            if picture.pts > horizon || begin > now {
                break;
            }
            self.decoder_free = begin + self.decode_time;
            picture.decoded = Some(self.decoder_free);
        }
    }

    fn show(&mut self, now: Instant) {
        let Some(playhead) = self.position.or(self.start) else { return };
        // In decoding order; with B-frames the newest in display order wins.
        let due = |p: &Picture| p.pts <= playhead && p.decoded.is_some_and(|at| at <= now);
        let Some(newest) = self.pictures.iter().filter(|p| due(p)).map(|p| (p.pts, p.number)).max() else {
            return;
        };
        self.meter.shown(newest.1, now);
        let gone = self.pictures.iter().take_while(|p| p.decoded.is_some() && p.pts + self.frame <= newest.0);
        let gone = gone.count();
        self.pictures.drain(..gone);
    }
}
