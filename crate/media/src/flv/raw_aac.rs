//! AAC whose configuration never comes: what its packets tell without it.
//!
//! The flags of an AAC tag are constants (E.4.2.1: "the SoundType should be 1 and the SoundRate should be 3"), so the rate is
//! measured: a packet is 1024 samples, and a second of stamps tells the rates of the standard apart. AAC-LC is assumed, and
//! mono or stereo by the first syntactic element; SBR is found by decoders. More channels cannot be known: they stay silent
//! until a configuration comes.
//!
//! **Invariant:** stamps that fit no rate give no configuration.

use crate::{codec::aac::RATES, time::MediaTime};

/// Intervals that are measured, about a second; room for a configuration that is merely late.
const INTERVALS: i64 = 47;
const SAMPLES_PER_PACKET: i64 = 1024;
/// A longer step is a gap, after which the measuring begins anew.
const MAX_STEP_MS: i64 = 500;
/// Of the rate, in percent. The nearest two rates differ by 8 %.
const TOLERANCE: i64 = 3;

const AOT_LC: u16 = 2;
/// id_syn_ele (ISO/IEC 14496-3, 4.5.2.1): a single channel, and a pair of them.
const ID_SCE: u8 = 0;
const ID_CPE: u8 = 1;

/// The measuring.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RawAac {
    run: Option<Run>,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    first: MediaTime,
    last: MediaTime,
    intervals: i64,
}

impl RawAac {
    /// Notes a packet without a configuration; gives an AudioSpecificConfig once enough is known.
    pub fn note(&mut self, at: MediaTime, packet: &[u8]) -> Option<[u8; 2]> {
        let anew = Run { first: at, last: at, intervals: 0 };
        let Some(run) = &mut self.run else {
            self.run = Some(anew);
            return None;
        };
        let step = (at - run.last).0;
        if !(0..=MAX_STEP_MS.saturating_mul(1000)).contains(&step) {
            self.run = Some(anew);
            return None;
        }
        run.last = at;
        run.intervals = run.intervals.saturating_add(1);
        if run.intervals < INTERVALS {
            return None;
        }
        let measured = *run;
        self.run = Some(anew);
        config(measured.rate()?, packet)
    }
}

impl Run {
    /// The place in the standard's table of the rate that the stamps show.
    fn rate(&self) -> Option<u16> {
        let samples = self.intervals.saturating_mul(SAMPLES_PER_PACKET).saturating_mul(1_000_000);
        let rate = samples.checked_div((self.last - self.first).0)?;
        let off = |table: &u32| rate.saturating_sub(i64::from(*table)).saturating_abs();
        let (index, table) = RATES.iter().enumerate().min_by_key(|(_, table)| off(table))?;
        let most = i64::from(*table).saturating_mul(TOLERANCE).checked_div(100)?;
        if off(table) <= most { u16::try_from(index).ok() } else { None }
    }
}

fn config(rate_index: u16, packet: &[u8]) -> Option<[u8; 2]> {
    let channels: u16 = match packet.first()? >> 5 {
        ID_SCE => 1,
        ID_CPE => 2,
        _ => return None,
    };
    Some((AOT_LC << 11 | rate_index << 7 | channels << 3).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stamps in whole ms, as FLV has them.
    fn found(rate: f64, packet: &[u8]) -> Option<[u8; 2]> {
        let mut raw = RawAac::default();
        (0..200).find_map(|i| {
            let ms = (f64::from(i) * 1024e3 / rate) as i64;
            raw.note(MediaTime::from_millis(ms), packet)
        })
    }

    #[test]
    fn the_rate_is_read_off_the_stamps_and_the_channels_off_the_packet() {
        for (index, rate) in RATES.iter().enumerate() {
            let [a, b] = found(f64::from(*rate), &[0x21]).unwrap();
            assert_eq!((a >> 3, usize::from(a & 7) << 1 | usize::from(b >> 7), (b >> 3) & 15), (2, index, 2));
        }
        assert_eq!(found(44_100.0, &[0x01]), Some([0x12, 0x08]));
    }

    #[test]
    fn stamps_that_fit_no_rate_give_nothing() {
        assert_eq!(found(52_000.0, &[0x21]), None);
        assert_eq!(found(1e9, &[0x21]), None);
        assert_eq!(found(48_000.0, &[0xe0]), None, "no element of channels");
    }

    #[test]
    fn a_gap_begins_the_measuring_anew() {
        let mut raw = RawAac::default();
        let mut note = |ms: i64| raw.note(MediaTime::from_millis(ms), &[0x21]);
        for i in 0..40 {
            assert_eq!(note(i * 1024 / 48), None);
        }
        for i in 0..47 {
            assert_eq!(note(60_000 + i * 1024 / 48), None);
        }
        assert_eq!(note(60_000 + 47 * 1024 / 48), Some([0x11, 0x90]));
    }
}
