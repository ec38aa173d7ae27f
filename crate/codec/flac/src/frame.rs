//! A frame: its header, a subframe for each channel, and what two channels have in common.

use crate::{
    bits::Bits,
    crc::crc16,
    header::{Channels, Header, StreamInfo},
    subframe,
};
use sailcast_codec_face::{Error, Sound};

/// The frame with which `data` begins, at time 0, and its length in bytes.
pub fn decode(data: &[u8], info: &StreamInfo) -> Result<(Sound, usize), Error> {
    let mut bits = Bits::new(data);
    let header = Header::read(&mut bits, data, info)?;
    let count = header.channels.count() as usize;
    // One channel after the other. At most 8 times 65,536 samples.
    let mut samples = vec![0; header.size * count];
    for (at, channel) in samples.chunks_exact_mut(header.size).enumerate() {
        // A difference takes a bit more than what it is the difference of.
        let is_side = match header.channels {
            Channels::Independent(_) => false,
            Channels::SideRight => at == 0,
            Channels::LeftSide | Channels::MidSide => at == 1,
        };
        subframe::decode(&mut bits, header.bits + u32::from(is_side), channel)?;
    }
    bits.align();
    let len = bits.bytes_read();
    let sum = crc16(data.get(..len).unwrap_or_default());
    if bits.read(16)? != u32::from(sum) {
        return Err("a frame of FLAC is damaged".to_owned());
    }
    let (first, second) = samples.split_at_mut(header.size);
    join(header.channels, first, second);
    let full_scale = 1.0 / (1_u64 << (header.bits - 1)) as f32;
    let mut data = vec![0.0; samples.len()];
    for (at, channel) in samples.chunks_exact(header.size).enumerate() {
        for (into, sample) in data.iter_mut().skip(at).step_by(count).zip(channel) {
            *into = *sample as f32 * full_scale;
        }
    }
    let sound = Sound { pts: 0.0, sample_rate: header.sample_rate, channels: count as u32, data };
    Ok((sound, len + 2))
}

/// Left and right again (RFC 9639 4.2).
fn join(channels: Channels, first: &mut [i64], second: &mut [i64]) {
    for (a, b) in first.iter_mut().zip(second) {
        (*a, *b) = match channels {
            Channels::Independent(_) => return,
            Channels::LeftSide => (*a, a.wrapping_sub(*b)),
            Channels::SideRight => (a.wrapping_add(*b), *b),
            Channels::MidSide => {
                let middle = a.wrapping_shl(1) | (*b & 1);
                (middle.wrapping_add(*b) >> 1, middle.wrapping_sub(*b) >> 1)
            }
        };
    }
}
