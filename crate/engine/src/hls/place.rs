//! Where the segments of a playlist lie on the player's timeline.
//!
//! **Invariant:** a segment that was placed stays where it is while the playlist moves on; times never go back from one segment to
//! the next. What was received corrects what the durations say.

use sailcast_media::{MediaTime, Micros, hls::MediaPlaylist};

#[derive(Debug, Default)]
pub struct Place {
    first: u64,
    /// Of each segment, and of the end of the last one.
    starts: Vec<MediaTime>,
    /// Something was received, and not only read in playlists.
    is_sure: bool,
}

impl Place {
    /// A playlist of which nothing is known yet, with its first segment at `start`.
    pub fn begin(list: &MediaPlaylist, start: MediaTime) -> Self {
        let mut place = Self { first: list.media_sequence, starts: vec![start], is_sure: false };
        place.extend(list, 0);
        place
    }

    /// Takes a newer version of the playlist.
    pub fn update(&mut self, list: &MediaPlaylist) {
        let begin = match self.start(list.media_sequence) {
            Some(start) => start,
            // Segments came and went unseen.
            None if list.media_sequence > self.first => {
                let missing = list.media_sequence.saturating_sub(self.end_sequence());
                self.end() + list.target_duration.scale(missing as f64)
            }
            None => self.starts.first().copied().unwrap_or_default(),
        };
        // The end of the last one may be that of an unfinished one.
        let known = self.end_sequence().saturating_sub(list.media_sequence);
        let skipped = list.media_sequence.saturating_sub(self.first);
        let mut starts: Vec<MediaTime> = match list.media_sequence >= self.first {
            true => {
                self.starts.iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).copied().collect()
            }
            false => Vec::new(),
        };
        starts.truncate(usize::try_from(known).unwrap_or(usize::MAX).min(list.segments.len()));
        if starts.is_empty() {
            starts.push(begin);
        }
        (self.first, self.starts) = (list.media_sequence, starts);
        let from = self.starts.len().saturating_sub(1);
        self.extend(list, from);
    }

    /// The first packet of this segment is at `time`.
    pub fn correct(&mut self, sequence: u64, time: MediaTime) {
        let Some(supposed) = self.start(sequence) else { return };
        let by = time - supposed;
        let at = usize::try_from(sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let from = if std::mem::replace(&mut self.is_sure, true) { at } else { 0 };
        let floor = from.checked_sub(1).and_then(|before| self.starts.get(before)).copied();
        for start in self.starts.iter_mut().skip(from) {
            *start = floor.map_or(*start + by, |floor| (*start + by).max(floor));
        }
    }

    /// Where a segment begins; also the one behind the last.
    pub fn start(&self, sequence: u64) -> Option<MediaTime> {
        let at = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        self.starts.get(at).copied()
    }

    /// The first segment's number.
    pub fn first(&self) -> u64 {
        self.first
    }

    pub fn begins(&self) -> MediaTime {
        self.starts.first().copied().unwrap_or_default()
    }

    /// Where the last segment ends.
    pub fn end(&self) -> MediaTime {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The segment with this time, or the first of several that begin together; the first or the last one where it lies outside.
    pub fn find(&self, time: MediaTime) -> u64 {
        let last = self.starts.len().saturating_sub(2);
        let at = self.starts.partition_point(|start| *start <= time).saturating_sub(1).min(last);
        let begins = self.starts.get(at).copied().unwrap_or_default();
        let first = self.starts.partition_point(|start| *start < begins);
        self.first.saturating_add(first as u64)
    }

    fn end_sequence(&self) -> u64 {
        self.first.saturating_add(self.starts.len().saturating_sub(1) as u64)
    }

    /// Adds the segments from `from` on, whose start is the last one there is.
    fn extend(&mut self, list: &MediaPlaylist, from: usize) {
        let mut at = self.end();
        for segment in list.segments.iter().skip(from) {
            at = at + segment.duration.max(Micros::ZERO);
            self.starts.push(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use sailcast_media::hls::Segment;

    use super::*;

    fn list(first: u64, seconds: &[i64]) -> MediaPlaylist {
        let segment = |(i, s): (usize, &i64)| Segment {
            sequence: first + i as u64,
            discontinuity: 0,
            uri: Some(String::new()),
            range: None,
            duration: Micros::from_secs(*s),
            title: String::new(),
            map: None,
            keys: Vec::new(),
            program_date_time: None,
            gap: false,
            bitrate: None,
            parts: Vec::new(),
        };
        MediaPlaylist {
            media_sequence: first,
            target_duration: Micros::from_secs(4),
            segments: seconds.iter().enumerate().map(segment).collect(),
            ..MediaPlaylist::default()
        }
    }

    fn at(seconds: i64) -> MediaTime {
        MediaTime::from_millis(seconds * 1000)
    }

    #[test]
    fn segments_stay_where_they_are_while_the_window_slides() {
        let mut place = Place::begin(&list(10, &[4, 4, 2]), at(0));
        assert_eq!((place.start(12), place.end()), (Some(at(8)), at(10)));
        place.update(&list(11, &[4, 4, 4]));
        assert_eq!((place.start(11), place.start(12), place.end()), (Some(at(4)), Some(at(8)), at(16)));
        assert_eq!(place.start(10), None);
        place.update(&list(20, &[4, 4]));
        assert_eq!(place.start(20), Some(at(16 + 6 * 4)), "those that went unseen count");
        assert_eq!(place.find(at(0)), 20);
        assert_eq!(place.find(at(1000)), 21);
    }

    #[test]
    fn what_came_corrects_what_the_durations_said() {
        let mut place = Place::begin(&list(0, &[4, 4, 4]), at(0));
        place.correct(1, at(5));
        assert_eq!((place.start(0), place.start(1), place.end()), (Some(at(1)), Some(at(5)), at(13)));
        place.correct(2, at(8));
        assert_eq!((place.start(0), place.start(2), place.end()), (Some(at(1)), Some(at(8)), at(12)));
        assert_eq!(place.find(at(8)), 2);
        assert_eq!(place.find(at(7)), 1);
    }

    #[test]
    fn an_empty_playlist_has_a_place_too() {
        let mut place = Place::begin(&list(5, &[]), at(3));
        assert_eq!((place.begins(), place.end(), place.find(at(9))), (at(3), at(3), 5));
        place.update(&list(5, &[2]));
        assert_eq!((place.start(5), place.end()), (Some(at(3)), at(5)));
    }
}
