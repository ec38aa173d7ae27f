//! Boxes (ISO/IEC 14496-12, 4.2), nested by closures.
//!
//! **Invariant:** a box's size is that of what its closure wrote; who writes payloads sees to it that four bytes can tell it.

use bytes::{BufMut, BytesMut};

use crate::time::Micros;

/// A box.
pub fn put(out: &mut BytesMut, name: &[u8; 4], body: impl FnOnce(&mut BytesMut)) {
    let start = out.len();
    out.put_u32(0);
    out.put_slice(name);
    body(out);
    let size = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..).and_then(|written| written.first_chunk_mut()) {
        *place = size.to_be_bytes();
    }
}

/// A box with a version and flags of 24 bits.
pub fn put_full(
    out: &mut BytesMut,
    name: &[u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut BytesMut),
) {
    put(out, name, |out| {
        out.put_u32(u32::from(version) << 24 | flags & 0x00ff_ffff);
        body(out);
    });
}

/// A span in ticks of a timescale, to the nearest one.
pub fn ticks(span: Micros, timescale: u32) -> i64 {
    let scaled = i128::from(span.0).saturating_mul(timescale.into());
    let nearest = scaled.saturating_add(500_000).div_euclid(1_000_000);
    nearest.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}
