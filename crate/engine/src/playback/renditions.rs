//! Changes of rendition: loaded long before they are shown, and told with the first picture of the new one.

use std::collections::VecDeque;

use sailcast_media::MediaTime;

use crate::event::Event;

#[derive(Debug, Default)]
pub struct Renditions {
    /// Told last.
    told: Option<Event>,
    /// Of what comes next.
    announced: Option<Event>,
    /// In the order of their times.
    coming: VecDeque<(MediaTime, Event)>,
}

impl Renditions {
    pub fn announce(&mut self, change: Event) {
        self.announced = Some(change);
    }

    /// Something came that is presented at `pts`: what was announced begins there, in place of what was to begin later. If the same
    /// is played up to there, that was given up before it was seen, and nothing changes.
    pub fn place(&mut self, pts: MediaTime) {
        if let Some(change) = self.announced.take() {
            self.coming.retain(|(begin, _)| *begin < pts);
            let before = self.coming.back().map(|(_, change)| change).or(self.told.as_ref());
            if before.is_none_or(|before| rendition(before) != rendition(&change)) {
                self.coming.push_back((pts, change));
            }
        }
    }

    /// The next change that has begun at `pts`.
    pub fn due(&mut self, pts: MediaTime) -> Option<Event> {
        let (_, change) = self.coming.pop_front_if(|(begin, _)| *begin <= pts)?;
        self.told = Some(change.clone());
        Some(change)
    }

    /// Playback goes on elsewhere: in what was loaded last.
    pub fn skip(&mut self) {
        if let Some((_, change)) = self.coming.drain(..).last() {
            self.announced.get_or_insert(change);
        }
    }
}

fn rendition(change: &Event) -> Option<u32> {
    if let Event::RenditionChange { id, .. } = change { Some(*id) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(id: u32) -> Event {
        Event::RenditionChange { id, auto: true }
    }

    fn due(renditions: &mut Renditions, ms: i64) -> Vec<u32> {
        let told = std::iter::from_fn(|| renditions.due(MediaTime::from_millis(ms)));
        told.filter_map(|event| match event {
            Event::RenditionChange { id, .. } => Some(id),
            _ => None,
        })
        .collect()
    }

    #[test]
    fn each_is_told_when_it_is_shown_and_not_when_it_is_replaced_before() {
        let mut renditions = Renditions::default();
        for (id, ms) in [(1, 0), (2, 8000), (3, 4000)] {
            renditions.announce(change(id));
            renditions.place(MediaTime::from_millis(ms));
            renditions.place(MediaTime::from_millis(ms + 40));
        }
        assert_eq!(due(&mut renditions, 3960), [1]);
        assert_eq!(due(&mut renditions, 20_000), [3]);
    }

    #[test]
    fn one_that_is_given_up_before_it_is_shown_is_no_change() {
        let mut renditions = Renditions::default();
        for (id, ms) in [(1, 0), (2, 4000), (1, 4000), (2, 6000), (1, 7000)] {
            renditions.announce(change(id));
            renditions.place(MediaTime::from_millis(ms));
            due(&mut renditions, 3000);
        }
        assert_eq!(due(&mut renditions, 5000), []);
        assert_eq!(due(&mut renditions, 9000), [2, 1]);
    }

    #[test]
    fn after_a_seek_the_last_one_is_told_where_it_leads() {
        let mut renditions = Renditions::default();
        renditions.announce(change(2));
        renditions.place(MediaTime::from_millis(8000));
        renditions.skip();
        assert_eq!(due(&mut renditions, 20_000), []);
        renditions.place(MediaTime::from_millis(2000));
        assert_eq!(due(&mut renditions, 2000), [2]);
    }
}
