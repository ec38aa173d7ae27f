//! The tracks of a movie: what is known of each, and what its samples become.
//!
//! **Invariant:** a packet of a track comes only behind the [`TrackInfo`] that decodes it, and a track is told again only when that is
//! another. A movie that comes again changes nothing of the tracks that are the same in it.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Damage, Facts, Sei, TrackState},
    demux::{DemuxEvent, SkipReason},
    metadata::{Message, Metadata},
    mp4::{
        colour::ContainerColour,
        edits::Clock,
        entry::Entry,
        lanes::{Lane, Lanes},
        movie::{Movie, MovieTrack},
        sample::Sample,
    },
    packet::{Codec, CodecParams, DecoderConfig, Packet, PixelShape, TrackId, TrackInfo, Turn},
    time::Micros,
};

/// SEI messages taken from one sample.
const MAX_MESSAGES: usize = 64;
/// Samples of G.711 given together: 20 ms.
const BUNDLES_A_SECOND: u32 = 50;

/// The tracks that can be played, each in the lane of the same place.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    /// Of tracks that a new movie does not have, too: told once.
    told: Vec<TrackInfo>,
}

#[derive(Debug)]
struct Track {
    id: TrackId,
    clock: Clock,
    entries: Vec<Entry>,
    turn: Turn,
    reader: Option<Reader>,
}

/// What reads the samples of one entry.
#[derive(Debug)]
struct Reader {
    /// sample_description_index.
    entry: u32,
    /// `None` where they are not read, which has been told.
    state: Option<TrackState>,
    look: Look,
}

/// What the container says of how pictures are shown.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    colour: ContainerColour,
    pixel: Option<PixelShape>,
    turn: Turn,
}

impl Tracks {
    /// Takes the tracks of a movie whose contents stand at `at`, and gives their lanes.
    pub fn install(&mut self, movie: &mut Movie, at: u64, events: &mut VecDeque<DemuxEvent>) -> Lanes {
        let mut before = std::mem::take(&mut self.tracks);
        let mut lanes = Lanes::default();
        for found in movie.tracks.drain(..) {
            let place = (at.saturating_add(found.at as u64), found.len as u64);
            let MovieTrack { number, id, clock, entries, turn, table, .. } = found;
            let Some(codec) = entries.iter().find_map(|entry| entry.codec.ok()) else {
                let why = entries.first().and_then(|entry| entry.codec.err());
                skip(events, id, place, why.unwrap_or(SkipReason::BadConfig));
                continue;
            };
            let bundle = match codec {
                Codec::G711A | Codec::G711U => clock.timescale.checked_div(BUNDLES_A_SECOND).unwrap_or(1),
                _ => 1,
            };
            lanes.lanes.push(Lane::new(number, clock, bundle.max(1), table));
            let is_same = |track: &&mut Track| (track.id, &track.entries, track.turn) == (id, &entries, turn);
            let reader = before.iter_mut().find(is_same).and_then(|track| track.reader.take());
            let is_new = reader.is_none();
            self.tracks.push(Track { id, clock, entries, turn, reader });
            if is_new && let Some(track) = self.tracks.last_mut() {
                let config = track.open(1);
                self.opened(id, place, config, events);
            }
        }
        lanes
    }

    pub fn id(&self, lane: usize) -> Option<TrackId> {
        self.tracks.get(lane).map(|track| track.id)
    }

    /// What follows does not go on where the samples before ended.
    pub fn restart(&mut self) {
        for track in &mut self.tracks {
            track.reader = None;
        }
    }

    /// Takes the next sample of a lane.
    pub fn sample(&mut self, lane: usize, sample: &Sample, data: Bytes, events: &mut VecDeque<DemuxEvent>) {
        let Some(track) = self.tracks.get_mut(lane) else { return };
        let (id, place) = (track.id, (sample.at, u64::from(sample.size)));
        if track.reader.as_ref().is_none_or(|reader| reader.entry != sample.entry) {
            let config = track.open(sample.entry);
            self.opened(id, place, config, events);
        }
        let Some(track) = self.tracks.get_mut(lane) else { return };
        let Some(Reader { state: Some(state), look, .. }) = &mut track.reader else { return };
        let clock = track.clock;
        match state.packet(data) {
            Ok(facts) => {
                let config = facts.config.clone().map(|config| look.in_config(config));
                self.tell(id, config, events);
                if facts.units.is_empty() || self.told.iter().any(|told| told.id == id) {
                    packets(id, clock, sample, facts, events);
                } else {
                    skip(events, id, place, SkipReason::NoConfig);
                }
            }
            Err(Damage::NoConfig) => skip(events, id, place, SkipReason::NoConfig),
            Err(Damage::Invalid(_)) => skip(events, id, place, SkipReason::BadPacket),
        }
    }

    fn opened(
        &mut self,
        id: TrackId,
        place: (u64, u64),
        config: Result<Option<DecoderConfig>, SkipReason>,
        events: &mut VecDeque<DemuxEvent>,
    ) {
        match config {
            Ok(config) => self.tell(id, config, events),
            Err(why) => skip(events, id, place, why),
        }
    }

    fn tell(&mut self, id: TrackId, config: Option<DecoderConfig>, events: &mut VecDeque<DemuxEvent>) {
        let Some(config) = config else { return };
        let info = TrackInfo { id, config };
        match self.told.iter_mut().find(|told| told.id == id) {
            Some(told) if *told == info => return,
            Some(told) => *told = info.clone(),
            None => self.told.push(info.clone()),
        }
        events.push_back(DemuxEvent::Track(info));
    }
}

impl Track {
    /// Begins to read samples of an entry; gives its configuration, as far as it has one.
    fn open(&mut self, entry: u32) -> Result<Option<DecoderConfig>, SkipReason> {
        // What an index names that is not there is taken for the only one there may be.
        let index = entry.checked_sub(1).and_then(|index| usize::try_from(index).ok()).unwrap_or_default();
        let Some(found) = self.entries.get(index).or(self.entries.first()) else { return Ok(None) };
        let look = Look { colour: found.colour, pixel: found.pixel, turn: self.turn };
        let reader = self.reader.insert(Reader { entry, state: None, look });
        let state = reader.state.insert(TrackState::new(found.codec?));
        if let Some(hint) = found.hint {
            state.hint(hint);
        }
        if found.record.is_empty() {
            return Ok(None);
        }
        // Where it is bad, the samples may bring what it lacks.
        let configured = state.configure(found.record.clone()).map_err(|_| SkipReason::BadConfig);
        Ok(configured?.map(|config| look.in_config(config)))
    }
}

fn packets(id: TrackId, clock: Clock, sample: &Sample, facts: Facts, events: &mut VecDeque<DemuxEvent>) {
    let (dts, pts) = (clock.present(sample.dts), clock.present(sample.presented()));
    for Sei { payload_type, payload } in facts.sei.into_iter().take(MAX_MESSAGES) {
        let message = Message::Sei { payload_type, payload };
        events.push_back(DemuxEvent::Metadata(Metadata { time: pts, track: Some(id), message }));
    }
    let span = clock.present(sample.dts.saturating_add(sample.duration)) - dts;
    let told = Some(span).filter(|span| *span > Micros::ZERO && facts.units.len() == 1);
    for AccessUnit { data, offset, duration, keyframe, disposable } in facts.units {
        events.push_back(DemuxEvent::Packet(Packet {
            track: id,
            dts: dts + offset,
            pts: pts + offset,
            duration: duration.or(told),
            keyframe,
            disposable,
            data,
        }));
    }
}

pub(super) fn skip(events: &mut VecDeque<DemuxEvent>, id: TrackId, (at, len): (u64, u64), why: SkipReason) {
    if len > 0 {
        events.push_back(DemuxEvent::Skipped { track: Some(id), at, len, why });
    }
}

impl Look {
    fn in_config(self, mut config: DecoderConfig) -> DecoderConfig {
        if let CodecParams::Video(video) = &mut config.params {
            video.colour = self.colour.over(video.colour);
            video.pixel = self.pixel.unwrap_or(video.pixel);
            video.turn = self.turn;
        }
        config
    }
}
