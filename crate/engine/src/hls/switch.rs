//! From one rendition to another.
//!
//! The other one's playlist is loaded beside the present lane, which goes on until the other can take over at the beginning of a
//! segment: what is buffered stays until the first keyframe of the other is there, so the picture never waits.

use sailcast_media::{Micros, TrackInfo};

use super::{
    Hls,
    lane::{HERE, Lane, Trouble},
    multivariant::Quality,
    place::Place,
    segment::Cursor,
    track::{Gate, Kinds},
};
use crate::{abr::Situation, feed::CutReason, io::Instant, outbox::Outbox};

/// A rendition that failed is not chosen for so long.
const EXCLUDED: Micros = Micros::from_secs(60);
/// What the viewer chose is to be seen so soon after the playhead, even if more is buffered.
const SOON: Micros = Micros::from_secs(4);
/// What no decoder takes is not chosen again.
const NEVER: Instant = Instant(u64::MAX);

pub struct Change {
    to: usize,
    auto: bool,
    /// The present one cannot go on.
    is_escape: bool,
    /// Nothing of the present one can be seen.
    is_blind: bool,
    pub lane: Lane,
    is_aligned: bool,
}

impl Hls {
    /// Begins a change, if another rendition should be played.
    pub(super) fn choose(&mut self, now: Instant, out: &mut Outbox) {
        let Some(current) = self.current else { return };
        for (level, until) in self.levels.iter_mut().zip(&self.excluded) {
            level.excluded = until.is_some_and(|until| now < until);
        }
        let wanted = self.wanted.filter(|wanted| *wanted < self.levels.len());
        let is_idle = self.main.as_ref().is_some_and(|main| main.cursor.is_some() && main.is_idle());
        let to = match wanted {
            Some(wanted) => Some(wanted),
            None if self.change.is_some() => None,
            None if !is_idle => return self.abandon(current, now, out),
            None => self.abr.choose(&self.levels, &self.situation(), now),
        };
        match to {
            Some(to) if to == current => self.drop_change(out),
            Some(to) if self.change.as_ref().is_none_or(|change| change.to != to && !change.is_escape) => {
                self.change_to(to, wanted.is_none(), false, now, out);
            }
            _ => {}
        }
    }

    /// Gives up a piece that comes too slowly for one of a smaller rendition.
    fn abandon(&mut self, current: usize, now: Instant, out: &mut Outbox) {
        let bitrate = self.levels.get(current).map_or(0, |level| level.bitrate);
        let Some(piece) = self.main.as_ref().and_then(|main| main.progress(bitrate)) else { return };
        let other = self.abr.abandon(&self.levels, &self.situation(), &piece, now);
        if let Some(to) = other {
            self.change_to(to, true, true, now, out);
        }
    }

    /// Away from a rendition that fails, if there is another one: true while that is tried.
    pub(super) fn escape(&mut self, now: Instant, out: &mut Outbox) -> bool {
        let Some(current) = self.current else { return false };
        if let Some(change) = &self.change {
            return change.is_escape;
        }
        if let Some(until) = self.excluded.get_mut(current) {
            *until = (*until).max(Some(now + EXCLUDED));
        }
        for (level, until) in self.levels.iter_mut().zip(&self.excluded) {
            level.excluded = until.is_some_and(|until| now < until);
        }
        let others = self.levels.iter().enumerate().filter(|(_, level)| !level.excluded);
        // The next one below, or else the lowest above.
        let bitrate = self.levels.get(current).map_or(0, |level| level.bitrate);
        let best = others.min_by_key(|(_, level)| (level.bitrate > bitrate, level.bitrate.abs_diff(bitrate)));
        match best.map(|(to, _)| to) {
            Some(to) => self.change_to(to, true, true, now, out),
            None => return false,
        }
        true
    }

    /// No decoder takes pictures such as these: others come, if there are any, from the playhead on.
    pub(super) fn leave_pictures(&mut self, pictures: &TrackInfo, now: Instant, out: &mut Outbox) -> bool {
        let (Some(current), Some(qualities), Some(main)) = (self.current, &self.qualities, &self.main) else {
            return false;
        };
        if self.change.as_ref().is_some_and(|change| change.is_blind) {
            return true;
        }
        // What they were of has been left since.
        if !main.has_begun() || !self.shared.delivery.has_told(pictures) {
            return true;
        }
        let profile = qualities.list.get(current).and_then(Quality::profile);
        for (at, (quality, until)) in qualities.list.iter().zip(&mut self.excluded).enumerate() {
            if at == current || profile.is_some() && quality.profile() == profile {
                *until = Some(NEVER);
            }
        }
        if let Some(change) = self.change.take() {
            self.retire(change.lane, out);
        }
        if !self.escape(now, out) {
            return false;
        }
        self.wanted = None;
        if let Some(change) = &mut self.change {
            change.is_blind = true;
        }
        self.turn(now, out);
        true
    }

    /// Takes over, when the other one's playlist is here and the present lane is between two segments.
    pub(super) fn switch(&mut self, now: Instant, out: &mut Outbox) {
        let Some(main) = &mut self.main else { return };
        let is_between = main.is_between_segments(&self.shared);
        let is_ready = |change: &Change| change.is_aligned && (is_between || change.is_escape);
        let Some(change) = self.change.take_if(|change| is_ready(change)) else { return };
        if is_between {
            main.end_segment(&mut self.shared);
        }
        let Some(end) = main.loaded_until() else { return };
        let from = match &change {
            Change { is_blind: true, .. } => self.playhead(),
            Change { auto: true, .. } => end,
            _ => self.playhead() + SOON,
        };
        let time = from.min(end);
        let Change { to, auto, mut lane, .. } = change;
        let at = lane.follow.cursor_after(time, &self.shared);
        let cut = self.shared.delivery.has_given().then_some(CutReason::Rendition);
        let rendition = u32::try_from(to).ok().map(|id| (id, auto));
        let gate = Gate { keyframe: true, cut, rendition, sound_from: HERE, video_after: None };
        lane.go_to(Cursor { part: 0, ..at }, gate, out);
        lane.sought = Some(time);
        self.current = Some(to);
        if let Some(old) = self.main.replace(lane) {
            self.retire(old, out);
        }
        self.switch_sound(now, out);
    }

    /// The playlist of the other rendition.
    pub(super) fn settle_change(&mut self, now: Instant, out: &mut Outbox) {
        let Some(change) = &mut self.change else { return };
        let follow = &mut change.lane.follow;
        if let Some(main) = &self.main
            && !change.is_aligned
            && let Some(list) = &follow.list
        {
            follow.place = Place::begin(list, main.follow.align(list));
            follow.is_guess = true;
            follow.era = main.follow.era;
            follow.edge = main.follow.edge.clone();
            change.is_aligned = true;
        }
        change.lane.news = None;
        if change.lane.adrift.is_none() && change.lane.trouble.is_none() {
            return;
        }
        let Some(change) = self.change.take() else { return };
        if let Some(until) = self.excluded.get_mut(change.to) {
            *until = Some(now + EXCLUDED);
        }
        if !change.auto {
            self.wanted = None;
        }
        self.retire(change.lane, out);
        // What the present one could not do, be it its playlist alone, is tried again there.
        let failed = |main: &&mut Lane| change.is_escape || matches!(main.trouble, Some(Trouble::Told));
        if let Some(main) = self.main.as_mut().filter(failed) {
            main.resume(now, out);
        }
    }

    /// What was chosen is not wanted any more; from what fails, any way out is good.
    fn drop_change(&mut self, out: &mut Outbox) {
        if let Some(change) = self.change.take_if(|change| !change.is_escape) {
            self.retire(change.lane, out);
        }
    }

    fn change_to(&mut self, to: usize, auto: bool, is_escape: bool, now: Instant, out: &mut Outbox) {
        self.drop_change(out);
        let Some(qualities) = &self.qualities else { return };
        let Some(quality) = qualities.list.get(to) else { return };
        let url = quality.uris.first().cloned().unwrap_or_default();
        let mut lane = self.lane(url, Kinds::ALL, now);
        self.prepare(&mut lane);
        self.change = Some(Change { to, auto, is_escape, is_blind: false, lane, is_aligned: false });
    }

    /// The playlist of another lane is asked for what the present one's says that it has.
    pub(super) fn prepare(&self, lane: &mut Lane) {
        let present = self.main.as_ref().and_then(|main| main.follow.list.as_ref());
        let reports = present.into_iter().flat_map(|list| &list.rendition_reports);
        let report = reports.into_iter().find(|report| report.uri == lane.follow.url());
        if let Some((report, msn)) = report.and_then(|report| Some((report, report.last_msn?))) {
            lane.follow.report(msn, report.last_part);
        }
    }

    fn situation(&self) -> Situation {
        let main = self.main.as_ref();
        let end = main.and_then(Lane::loaded_until);
        let list = main.and_then(|main| main.follow.list.as_ref());
        let target = list.map_or(Micros::ZERO, |list| list.part_target.unwrap_or(list.target_duration));
        let hold_back = main.and_then(|main| main.follow.hold_back(&self.shared));
        Situation {
            current: self.current,
            buffered: end.map_or(Micros::ZERO, |end| end - self.playhead()).max(Micros::ZERO),
            attainable: hold_back.unwrap_or_else(|| self.bound()),
            rate: self.view.map_or(1.0, |view| view.rate),
            viewport: self.view.and_then(|view| view.viewport),
            is_degraded: self.view.is_some_and(|view| view.is_degraded),
            next: target,
        }
    }
}
