//! Places of a playlist and times of the player, one by the other.

use sailcast_media::{MediaTime, Micros, hls::MediaPlaylist};

use super::{
    place::Place,
    playlist::Follow,
    segment::{self, Cursor, Piece},
    shared::Shared,
    versions::{last, numbered},
};

/// Instants in µs since 1970, in order, and the times of the player at which they were.
pub struct Clock(Vec<(Micros, MediaTime)>);

impl Clock {
    /// When that was: by the nearest one before it that is known, or else the first.
    pub fn time_at(&self, unix: Micros) -> Option<MediaTime> {
        let before = self.0.partition_point(|(known, _)| *known <= unix).checked_sub(1);
        let (known, time) = self.0.get(before.unwrap_or(0))?;
        Some(*time + (unix - *known))
    }
}

/// Boundaries of two playlists that are the same differ by no more.
const ROUNDING: Micros = Micros::from_millis(250);

impl Follow {
    /// How far behind its end the server wants to be played.
    pub fn hold_back(&self, shared: &Shared) -> Option<Micros> {
        let list = self.list.as_ref().filter(|_| self.is_live())?;
        if let Some(part_target) = list.part_target.filter(|_| shared.promises.has_parts(list)) {
            return Some(list.control.part_hold_back.unwrap_or(part_target.scale(3.0)));
        }
        Some(list.control.hold_back.unwrap_or(list.target_duration.scale(3.0)))
    }

    /// The first packet of this segment is at `time`.
    pub fn correct(&mut self, sequence: u64, time: MediaTime) {
        self.place.correct(sequence, time);
        self.is_guess = false;
    }

    /// The time of a place.
    pub fn time_of(&self, at: Cursor) -> Option<MediaTime> {
        let start = self.place.start(at.sequence)?;
        let segment = self.list.as_ref().and_then(|list| numbered(list, at.sequence));
        let before = segment.into_iter().flat_map(|segment| segment.parts.iter().take(at.part));
        Some(before.fold(start, |time, part| time + part.duration))
    }

    /// A time and what it is in µs since 1970, as the newest segment that says has it.
    pub fn wall_clock(&self) -> Option<(MediaTime, Micros)> {
        let mut newest = self.list.as_ref()?.segments.iter().rev();
        newest.find_map(|s| Some((self.place.start(s.sequence)?, s.program_date_time?)))
    }

    /// What time it is on its timeline, as all segments say.
    pub fn clock(&self) -> Clock {
        let segments = self.list.iter().flat_map(|list| &list.segments);
        let dated = segments.filter_map(|s| Some((s.program_date_time?, self.place.start(s.sequence)?)));
        let mut dated: Vec<(Micros, MediaTime)> = dated.collect();
        dated.sort();
        Clock(dated)
    }

    /// Where on the timeline a playlist of the same content begins.
    pub fn align(&self, other: &MediaPlaylist) -> MediaTime {
        let Some(list) = &self.list else { return self.place.begins() };
        if list.ended && other.ended {
            return self.place.begins();
        }
        let clock = self.clock();
        let mut at = Micros::ZERO;
        for segment in &other.segments {
            let dated = segment.program_date_time.and_then(|unix| clock.time_at(unix));
            if let Some(time) = dated.or_else(|| self.place.start(segment.sequence)) {
                return time - at;
            }
            at += segment.duration;
        }
        self.place.end() - at
    }

    /// The packager began anew, and what is here ends at `end`, with the piece `last`: where to go on. Segments that are here already are
    /// passed over, and those too far behind the end are left out.
    pub fn begin_anew(&mut self, end: MediaTime, last: Option<&Piece>, shared: &Shared) -> Cursor {
        let hold_back = self.hold_back(shared).unwrap_or_default();
        let Some(list) = &self.list else { return Cursor::default() };
        let overlapping = self.overlap(list, end);
        self.place = Place::begin(list, overlapping.unwrap_or(end));
        let known = last.and_then(|last| segment::behind_piece(list, last));
        let late = self.place.end() - hold_back.scale(2.0) > end;
        let from = if late { self.place.end() - hold_back } else { end };
        let at = known.unwrap_or_else(|| Cursor::segment(self.place.find(from + ROUNDING)));
        if overlapping.is_none() {
            let by = self.time_of(at).map_or(Micros::ZERO, |start| start - end);
            self.place = Place::begin(list, end - by);
        }
        at
    }

    /// Where the playlist begins, if it says what time it is and has what is at `end`.
    fn overlap(&self, list: &MediaPlaylist, end: MediaTime) -> Option<MediaTime> {
        let (time, known) = self.clock_before?;
        let mut before = Micros::ZERO;
        let dated = list.segments.iter().find_map(|segment| {
            let start = segment.program_date_time.map(|unix| time + (unix - known) - before);
            before += segment.duration;
            start
        })?;
        let total = list.segments.iter().fold(Micros::ZERO, |sum, segment| sum + segment.duration);
        (dated <= end && dated + total > end).then_some(dated)
    }

    /// The place from which to load to have what is at `time`.
    pub fn cursor_at(&self, time: MediaTime, shared: &Shared) -> Cursor {
        let sequence = self.place.find(time);
        let Some(list) = &self.list else { return Cursor::segment(sequence) };
        let Some(segment) = numbered(list, sequence) else { return Cursor::segment(sequence) };
        let into = self.place.start(sequence).map_or(Micros::ZERO, |start| time - start);
        segment::entry(segment, into, shared.promises.has_parts(list))
    }

    /// The place that goes on where another playlist of the same content ends at `time`.
    pub fn cursor_after(&self, time: MediaTime, shared: &Shared) -> Cursor {
        // One that is not complete yet is not passed by, however little of it there is.
        let is_whole = |list: &&MediaPlaylist| list.segments.last().is_none_or(|last| last.uri.is_some());
        let behind = self.list.as_ref().filter(is_whole).map(last);
        let is_past = time + ROUNDING >= self.place.end();
        match behind.filter(|_| is_past) {
            Some(behind) => Cursor::segment(behind),
            None => self.cursor_at(time + ROUNDING, shared),
        }
    }
}
