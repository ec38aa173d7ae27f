//! Supplemental enhancement information: the messages of SEI NAL units, the same in H.264 and H.265 (7.3.2.3).
//!
//! **Invariant:** at most [`MAX_MESSAGES`] of at most [`MAX_BYTES`] together are kept of an access unit. A message that passes
//! its NAL unit's end is dropped, and what came before it is kept.

use bytes::Bytes;

use crate::{
    codec::{Sei, nal},
    read::{BitReader, ByteReader},
};

/// User data, registered by ITU-T T.35 and not.
const USER_DATA_REGISTERED: u32 = 4;
const USER_DATA_UNREGISTERED: u32 = 5;
const RECOVERY_POINT: u32 = 6;
const MASTERING_DISPLAY: u32 = 137;
const CONTENT_LIGHT_LEVEL: u32 = 144;

/// Keeps an access unit of nothing but messages from becoming as many events.
const MAX_MESSAGES: usize = 64;
/// More than any user data in use, and little beside a keyframe.
const MAX_BYTES: usize = 256 << 10;

/// The messages of an access unit that are worth keeping, in its order.
#[derive(Debug, Default)]
pub struct Messages {
    kept: Vec<Sei>,
    bytes: usize,
}

impl Messages {
    /// Reads an SEI NAL unit's payload, behind the header.
    pub fn read(&mut self, payload: &[u8]) {
        if payload.len() > MAX_BYTES.saturating_sub(self.bytes) {
            return;
        }
        let rbsp = Bytes::from(nal::unescape(payload));
        let mut r = ByteReader::new(&rbsp);
        // The trailing bits are a byte of their own, as messages are of whole bytes.
        while r.rest().len() > 1 && self.kept.len() < MAX_MESSAGES {
            let Some((payload_type, payload)) = message(&mut r) else { return };
            let keeps = matches!(
                payload_type,
                USER_DATA_REGISTERED
                    | USER_DATA_UNREGISTERED
                    | RECOVERY_POINT
                    | MASTERING_DISPLAY
                    | CONTENT_LIGHT_LEVEL
            );
            if keeps {
                self.bytes = self.bytes.saturating_add(payload.len());
                self.kept.push(Sei { payload_type, payload: rbsp.slice_ref(payload) });
            }
        }
    }

    /// recovery_frame_cnt of an H.264 recovery point (D.1.8).
    pub fn recovery_frames(&self) -> Option<u32> {
        let sei = self.kept.iter().find(|sei| sei.payload_type == RECOVERY_POINT)?;
        BitReader::new(&sei.payload).ue()
    }

    pub fn into_kept(self) -> Vec<Sei> {
        self.kept
    }
}

fn message<'a>(r: &mut ByteReader<'a>) -> Option<(u32, &'a [u8])> {
    let payload_type = run_of_ff(r)?;
    let len = run_of_ff(r)?;
    Some((payload_type, r.bytes(usize::try_from(len).ok()?)?))
}

/// A number as a run of 0xff and a last byte.
fn run_of_ff(r: &mut ByteReader<'_>) -> Option<u32> {
    let mut sum = 0u32;
    loop {
        let byte = r.u8()?;
        sum = sum.checked_add(u32::from(byte))?;
        if byte != 0xff {
            return Some(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(payload: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let mut messages = Messages::default();
        messages.read(payload);
        messages.into_kept().into_iter().map(|sei| (sei.payload_type, sei.payload.to_vec())).collect()
    }

    #[test]
    fn all_messages_of_a_unit_are_read_and_only_known_types_kept() {
        let unit = [5, 2, 0xaa, 0xbb, 1, 1, 0x77, 137, 1, 0x01, 0x80];
        assert_eq!(read(&unit), [(5, vec![0xaa, 0xbb]), (137, vec![1])]);
    }

    #[test]
    fn types_and_sizes_go_past_255() {
        let mut unit = vec![0xff, 0x10, 1, 0, 5, 0xff, 0x2d];
        unit.extend([7; 300]);
        unit.push(0x80);
        assert_eq!(read(&unit), [(5, vec![7; 300])]);
    }

    #[test]
    fn emulation_prevention_is_taken_out_before_sizes_count() {
        assert_eq!(read(&[5, 4, 0, 0, 3, 1, 9, 4, 1, 6, 0x80]), [(5, vec![0, 0, 1, 9]), (4, vec![6])]);
    }

    #[test]
    fn what_is_cut_short_is_dropped_and_the_rest_kept() {
        let unit = [5, 2, 0xaa, 0xbb, 4, 3, 1, 2];
        assert_eq!(read(&unit), [(5, vec![0xaa, 0xbb])]);
        for len in 0..unit.len() {
            read(&unit[..len]);
        }
        assert_eq!(read(&[0xff; 64]), []);
        assert_eq!(read(&[5, 1, 0]), [(5, vec![0])], "trailing bits lost with the last byte");
    }

    #[test]
    fn messages_and_bytes_are_bounded() {
        let many: Vec<u8> = [5, 0].repeat(1000);
        assert_eq!(read(&many).len(), MAX_MESSAGES);
        let mut messages = Messages::default();
        let large: Vec<u8> = [&[5][..], &[0xff; 600], &[0], &[1; 255 * 600]].concat();
        for _ in 0..5 {
            messages.read(&large);
        }
        assert!(messages.into_kept().iter().map(|sei| sei.payload.len()).sum::<usize>() <= MAX_BYTES);
    }

    #[test]
    fn a_recovery_point_tells_its_frames() {
        let mut messages = Messages::default();
        messages.read(&[6, 1, 0xc4, 0x80]);
        assert_eq!(messages.recovery_frames(), Some(0));
        let mut messages = Messages::default();
        messages.read(&[6, 1, 0x22, 0x80]);
        assert_eq!(messages.recovery_frames(), Some(3));
    }
}
