//! `emsg` (ISO/IEC 23009-1, 5.10.3.3) and `prft` (ISO/IEC 14496-12, 8.16.5): what stands between the fragments.

use bytes::Bytes;

use crate::{
    metadata::Message,
    mp4::boxes::Inner,
    read::ByteReader,
    time::{MediaTime, Micros},
};

const UNKNOWN_DURATION: u32 = u32::MAX;
/// From 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: i64 = 2_208_988_800;
/// Seconds without the upper bit are those of the era that begins in 2036 (RFC 4330, 3).
const NTP_ERA: i64 = 1 << 32;
const NTP_FIRST_ERA: u32 = 1 << 31;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct EventMessage {
    pub when: When,
    pub message: Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    At(MediaTime),
    /// So long after the earliest presentation of the segment.
    After(Micros),
}

/// Reads an `emsg` box.
pub(super) fn emsg(inner: &Inner<'_>) -> Option<EventMessage> {
    let (version, _, mut r) = inner.full()?;
    let strings = |r: &mut ByteReader<'_>| Some((string(r)?, string(r)?));
    let ((scheme, value), when, timescale, duration, id) = match version {
        0 => {
            let names = strings(&mut r)?;
            let (timescale, delta, duration, id) = (r.u32()?, r.u32()?, r.u32()?, r.u32()?);
            (names, When::After(span(delta.into(), timescale)), timescale, duration, id)
        }
        1 => {
            let (timescale, time, duration, id) = (r.u32()?, r.u64()?, r.u32()?, r.u32()?);
            let at = MediaTime::default() + span(time, timescale);
            (strings(&mut r)?, When::At(at), timescale, duration, id)
        }
        _ => return None,
    };
    let duration = (duration != UNKNOWN_DURATION).then(|| span(duration.into(), timescale));
    let payload = Bytes::copy_from_slice(r.rest());
    Some(EventMessage { when, message: Message::Emsg { scheme, value, id, duration, payload } })
}

/// What a `prft` says: of which track (track_ID), at which of its ticks, and the producer's clock then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ProducerTime {
    pub number: u32,
    pub ticks: i64,
    pub unix: Micros,
}

/// Reads a `prft` box.
pub(super) fn prft(inner: &Inner<'_>) -> Option<ProducerTime> {
    let (version, _, mut r) = inner.full()?;
    let (number, seconds, fraction) = (r.u32()?, r.u32()?, r.u32()?);
    let ticks = if version == 0 { r.u32()?.into() } else { i64::try_from(r.u64()?).ok()? };
    let micros = u64::from(fraction).saturating_mul(1_000_000) >> 32;
    let era = if seconds < NTP_FIRST_ERA { NTP_ERA } else { 0 };
    let seconds = i64::from(seconds).saturating_add(era).saturating_sub(NTP_TO_UNIX);
    let unix = Micros::from_secs(seconds) + Micros(micros.cast_signed());
    Some(ProducerTime { number, ticks, unix })
}

fn span(ticks: u64, timescale: u32) -> Micros {
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    MediaTime::from_ticks(ticks, timescale) - MediaTime::default()
}

/// Up to the zero that ends it.
fn string(r: &mut ByteReader<'_>) -> Option<String> {
    let len = r.rest().iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8_lossy(r.bytes(len)?).into_owned();
    r.u8()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_producers_clock_goes_on_when_its_seconds_begin_anew() {
        let unix = |seconds: u32| {
            let body = [&[0; 4], &1u32.to_be_bytes(), &seconds.to_be_bytes()[..], &[0x80, 0, 0, 0], &[0; 4]];
            let body = body.concat();
            prft(&Inner { kind: *b"prft", body: &body, at: 0, len: body.len() }).unwrap().unix
        };
        // 2036-02-07 06:28:16 UTC.
        let begins_anew = Micros::from_secs(2_085_978_496);
        assert_eq!(unix(u32::MAX), begins_anew - Micros::from_millis(500));
        assert_eq!(unix(0), begins_anew + Micros::from_millis(500));
    }
}
