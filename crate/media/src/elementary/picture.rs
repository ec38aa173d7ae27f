//! A track of pictures: from a byte stream to packets.
//!
//! A picture without a time of its own follows the one before at the distance that the times before it had.

use crate::{
    codec::{
        TrackState,
        access_units::{AccessUnits, Cut, Unit},
    },
    demux::{DemuxEvent, SkipReason},
    elementary::{Outlet, Stamp, TIMESCALE, stamps::Stamps},
    metadata::Message,
    packet::{Codec, Packet, TrackId, TrackInfo},
    time::MediaTime,
};

/// In ticks, before two times told another: 60 pictures a second, rather too little than past the next time.
const FIRST_STEP: i64 = 1500;

#[derive(Debug)]
pub(crate) struct Picture {
    id: TrackId,
    units: AccessUnits,
    stamps: Stamps,
    state: TrackState,
    last: Option<Times>,
    /// From one picture to the next, in ticks.
    step: i64,
    /// Pictures since the last time that the container told.
    since_told: i64,
}

/// In unwrapped ticks.
#[derive(Clone, Copy, Debug)]
struct Times {
    dts: i64,
    pts: i64,
}

impl Picture {
    pub fn new(id: TrackId, codec: Codec) -> Self {
        Self {
            id,
            units: AccessUnits::new(codec),
            stamps: Stamps::default(),
            state: TrackState::new(codec),
            last: None,
            step: FIRST_STEP,
            since_told: 0,
        }
    }

    pub fn id(&self) -> TrackId {
        self.id
    }

    /// What is pushed next has this time, and stands at `at` in the container.
    pub fn mark(&mut self, at: u64, stamp: Option<Stamp>) {
        self.stamps.mark(self.units.end(), at, stamp);
    }

    pub fn push(&mut self, data: &[u8], out: &mut Outlet) {
        self.units.push(data);
        self.drain(out);
    }

    /// A segment ends here.
    pub fn flush(&mut self, out: &mut Outlet) {
        self.units.flush();
        self.drain(out);
    }

    /// Drops the picture that is not whole; how many bytes that were.
    pub fn forget(&mut self, out: &mut Outlet) -> u64 {
        let dropped = self.units.forget();
        self.drain(out);
        dropped
    }

    pub fn buffered_bytes(&self) -> usize {
        self.units.buffered_bytes()
    }

    fn drain(&mut self, out: &mut Outlet) {
        while let Some(cut) = self.units.next() {
            match cut {
                Cut::Unit(unit) => self.unit(unit, out),
                Cut::Skipped { begins, len } => {
                    let at = self.stamps.place(begins);
                    out.skipped(Some(self.id), at, len, SkipReason::BadPacket);
                }
            }
        }
    }

    fn unit(&mut self, Unit { begins, data }: Unit, out: &mut Outlet) {
        let (at, stamp) = self.stamps.take(begins);
        let len = data.len() as u64;
        let Some(times) = self.times(stamp, out) else {
            return out.skipped(Some(self.id), at, len, SkipReason::NoTime);
        };
        let facts = match self.state.packet(data) {
            Ok(facts) => facts,
            Err(damage) => return out.skipped(Some(self.id), at, len, damage.into()),
        };
        if let Some(config) = facts.config {
            out.events.push_back(DemuxEvent::Track(TrackInfo { id: self.id, config }));
        }
        let time = |ticks| MediaTime::from_ticks(ticks, TIMESCALE);
        let (dts, pts) = (time(times.dts), time(times.pts));
        for sei in facts.sei {
            let message = Message::Sei { payload_type: sei.payload_type, payload: sei.payload };
            out.message(pts, Some(self.id), message);
        }
        for unit in facts.units {
            out.latest = Some(dts);
            out.events.push_back(DemuxEvent::Packet(Packet {
                track: self.id,
                dts,
                pts,
                duration: unit.duration,
                keyframe: unit.keyframe,
                disposable: unit.disposable,
                data: unit.data,
            }));
        }
    }

    fn times(&mut self, stamp: Option<Stamp>, out: &mut Outlet) -> Option<Times> {
        let times = match (stamp, self.last) {
            (Some(stamp), last) => {
                let dts = out.clock.advance(stamp.dts);
                self.measure(last, dts);
                self.since_told = 0;
                Times { dts, pts: out.clock.near(stamp.pts) }
            }
            (None, Some(last)) => {
                Times { dts: last.dts.saturating_add(self.step), pts: last.pts.saturating_add(self.step) }
            }
            (None, None) => return None,
        };
        self.since_told = self.since_told.saturating_add(1);
        self.last = Some(times);
        Some(times)
    }

    /// A time behind those that were told: the pictures between share the distance.
    fn measure(&mut self, last: Option<Times>, dts: i64) {
        let Some(last) = last else { return };
        let estimated = self.since_told.saturating_sub(1).saturating_mul(self.step);
        let told = last.dts.saturating_sub(estimated);
        let step = dts.saturating_sub(told).checked_div(self.since_told).unwrap_or_default();
        // Longer is a gap, and none a step back.
        if (1..=i64::from(TIMESCALE)).contains(&step) {
            self.step = step;
        }
    }
}
