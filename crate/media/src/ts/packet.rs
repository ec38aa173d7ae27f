//! One transport packet (ISO/IEC 13818-1, 2.4.3.2), and whether it follows the one before.
//!
//! **Invariant:** a payload lies inside its packet and is not empty. The random_access_indicator is not read: keyframes are found in
//! the bitstream.

use bytes::Bytes;

pub(super) const PACKET_LEN: usize = 188;
pub(super) const SYNC: u8 = 0x47;
/// Of packets that carry nothing.
pub(super) const NULL_PID: u16 = 0x1fff;

/// A packet and its payload.
#[derive(Clone, Debug)]
pub(super) struct TsPacket {
    /// Stream offset of the sync byte.
    pub at: u64,
    pub pid: u16,
    /// payload_unit_start_indicator.
    pub begins: bool,
    /// transport_scrambling_control is not 0.
    pub scrambled: bool,
    pub counter: u8,
    /// discontinuity_indicator: the counter may jump.
    pub discontinuity: bool,
    pub payload: Option<Bytes>,
}

impl TsPacket {
    /// A sync byte, and an adaptation_field_control that is not the reserved one.
    pub fn is_plausible([sync, _, _, control]: [u8; 4]) -> bool {
        sync == SYNC && control & 0x30 != 0
    }

    /// `None` where it is marked as damaged (transport_error_indicator) or cannot be read.
    pub fn parse(at: u64, packet: Bytes) -> Option<Self> {
        let header = *packet.first_chunk::<4>()?;
        let [_, b1, b2, b3] = header;
        if !Self::is_plausible(header) || b1 & 0x80 != 0 {
            return None;
        }
        let (has_adaptation, has_payload) = (b3 & 0x20 != 0, b3 & 0x10 != 0);
        let adaptation = if has_adaptation { usize::from(*packet.get(4)?).saturating_add(1) } else { 0 };
        let payload_at = adaptation.saturating_add(4);
        let payload = packet.get(payload_at..)?;
        let flags = if adaptation > 1 { *packet.get(5)? } else { 0 };
        Some(Self {
            at,
            pid: u16::from_be_bytes([b1 & 0x1f, b2]),
            begins: b1 & 0x40 != 0,
            scrambled: b3 & 0xc0 != 0,
            counter: b3 & 0x0f,
            discontinuity: flags & 0x80 != 0,
            payload: Some(packet.slice_ref(payload)).filter(|payload| has_payload && !payload.is_empty()),
        })
    }
}

/// What a packet is to the one before it of the same PID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Continuity {
    Next,
    /// The counter begins anew, as it was said to or may between segments.
    Anew,
    /// The same once more, which a sender may (2.4.3.3).
    Duplicate,
    /// Packets between the two are missing.
    Gap,
}

/// The continuity_counter of one PID.
#[derive(Debug, Default)]
pub(super) struct Counter {
    last: Option<u8>,
    payload: Vec<u8>,
    /// A packet without a payload said that the counter may jump behind it.
    announced: bool,
    /// A segment ended since: the counter may begin anew where a unit does.
    parted: bool,
}

impl Counter {
    /// Passes a packet without a payload, which does not count.
    pub fn pass(&mut self, packet: &TsPacket) {
        self.announced |= packet.discontinuity;
    }

    /// Judges a packet with a payload.
    pub fn judge(&mut self, packet: &TsPacket, payload: &[u8]) -> Continuity {
        let is_announced = packet.discontinuity || self.announced;
        let may_jump = is_announced || (self.parted && packet.begins);
        let repeats = self.last == Some(packet.counter) && self.payload == payload;
        let verdict = match self.last {
            None => Continuity::Next,
            Some(last) if last.wrapping_add(1) & 0x0f == packet.counter => Continuity::Next,
            _ if repeats && !is_announced => return Continuity::Duplicate,
            _ if may_jump => Continuity::Anew,
            _ => Continuity::Gap,
        };
        (self.parted, self.announced) = (false, false);
        self.last = Some(packet.counter);
        self.payload.clear();
        self.payload.extend_from_slice(payload);
        verdict
    }

    pub fn part(&mut self) {
        self.parted = true;
    }
}
