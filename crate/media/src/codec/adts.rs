//! ADTS: AAC frames that carry their own configuration (ISO/IEC 14496-3, 1.A.2.2), as MPEG-TS has them and some publishers
//! leave them in FLV.
//!
//! **Invariant:** a frame's length passes neither its packet's end nor is it shorter than its header. No raw AAC packet begins like
//! one: its first syntactic element would be ID_END.

use bytes::Bytes;

use crate::read::ByteReader;

pub const MIN_HEADER: usize = 7;
const CRC: usize = 2;
/// aac_frame_length has 13 bits.
const MAX_FRAME: usize = 0x1fff;

/// One frame of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adts<'a> {
    /// The AudioSpecificConfig that the header amounts to.
    pub config: [u8; 2],
    /// Access units in the frame; mostly one.
    pub blocks: u8,
    pub payload: &'a [u8],
}

/// The head of frames of one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Profile, rate and channels, where they stand in the header.
    fields: u16,
}

impl Header {
    /// Of an object type, the index of a rate and a channelConfiguration. ADTS knows the first four object types, and leaves
    /// channels of other than the usual places to the payload, which raw units do not have there.
    pub fn new(object_type: u32, rate: usize, channel_config: u32) -> Option<Self> {
        let object_type = u16::try_from(object_type).ok().filter(|kind| (1..=4).contains(kind))?;
        let rate = u16::try_from(rate).ok().filter(|rate| *rate < 13)?;
        let channels = u16::try_from(channel_config).ok().filter(|channels| (1..=7).contains(channels))?;
        Some(Self { fields: object_type.saturating_sub(1) << 14 | rate << 10 | channels << 6 })
    }

    /// The header of a frame with so much payload; `None` where that is too much.
    pub fn of(self, payload: usize) -> Option<[u8; MIN_HEADER]> {
        let len = Some(payload.saturating_add(MIN_HEADER)).filter(|len| *len <= MAX_FRAME)?;
        let [b2, b3] = self.fields.to_be_bytes();
        // The length, a buffer fullness of variable rate, and one block.
        let [_, l2, l1, l0] = u32::try_from(len << 5 | 0x1f).ok()?.to_be_bytes();
        Some([0xff, 0xf1, b2, b3 | l2, l1, l0, 0xfc])
    }
}

/// What a frame's header says of its extent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub len: usize,
    /// Index of its sampling frequency.
    pub rate: usize,
    pub blocks: u8,
}

impl Extent {
    /// `None` where it is none, or a length shorter than the header.
    pub fn parse(header: &[u8; MIN_HEADER]) -> Option<Self> {
        let [_, _, b2, b3, b4, b5, b6] = *header;
        let len = usize::from(u16::from_be_bytes([b3 & 3, b4]) << 3 | u16::from(b5 >> 5));
        let extent = Self { len, rate: usize::from(b2 >> 2 & 15), blocks: (b6 & 3).saturating_add(1) };
        (is_adts(header) && len > MIN_HEADER).then_some(extent)
    }
}

/// syncword and layer.
pub fn is_adts(packet: &[u8]) -> bool {
    matches!(packet, [0xff, second, ..] if second & 0xf6 == 0xf0) && packet.len() >= MIN_HEADER
}

/// The frames of a packet; ends before one that is cut or damaged.
pub fn frames(packet: &Bytes) -> impl Iterator<Item = Adts<'_>> {
    let mut r = ByteReader::new(packet);
    std::iter::from_fn(move || if is_adts(r.rest()) { frame(&mut r) } else { None })
}

fn frame<'a>(r: &mut ByteReader<'a>) -> Option<Adts<'a>> {
    let mut rest = *r;
    let [_, b1, b2, b3, b4, b5, b6] = rest.array()?;
    let len = usize::from(u16::from_be_bytes([b3 & 3, b4]) << 3 | u16::from(b5 >> 5));
    let header = if b1 & 1 == 1 { MIN_HEADER } else { MIN_HEADER.saturating_add(CRC) };
    let frame = r.bytes(len)?;
    let (object_type, rate, channels) = ((b2 >> 6).saturating_add(1), b2 >> 2 & 15, (b2 & 1) << 2 | b3 >> 6);
    Some(Adts {
        config: (u16::from(object_type) << 11 | u16::from(rate) << 7 | u16::from(channels) << 3)
            .to_be_bytes(),
        blocks: (b6 & 3).saturating_add(1),
        payload: frame.get(header..).filter(|payload| !payload.is_empty())?,
    })
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An AAC-LC frame of 44.1 kHz stereo.
    pub fn adts(payload: &[u8]) -> Vec<u8> {
        let len = payload.len() + 7;
        let tail = [(len >> 11) as u8 | 0x80, (len >> 3) as u8, (len << 5) as u8 | 0x1f, 0xfc];
        [&[0xff, 0xf1, 0x50], &tail[..], payload].concat()
    }

    #[test]
    fn frames_of_a_packet_come_apart() {
        let packet = Bytes::from([adts(&[0x21, 1]), adts(&[0x21, 2, 3])].concat());
        let read: Vec<_> = frames(&packet).collect();
        let expected = |payload| Adts { config: [0x12, 0x10], blocks: 1, payload };
        assert_eq!(read, [expected(&[0x21, 1]), expected(&[0x21, 2, 3])]);
    }

    #[test]
    fn a_frame_cut_short_ends_the_packet() {
        let packet = Bytes::from([adts(&[0x21, 1]), adts(&[0x21, 2, 3])].concat());
        for len in 0..packet.len() {
            assert_eq!(frames(&packet.slice(..len)).count(), usize::from(len >= 9), "{len}");
        }
    }

    #[test]
    fn a_checksum_is_passed_over() {
        let mut packet = adts(&[0xaa, 0xbb, 0x21, 1]);
        packet[1] = 0xf0;
        assert_eq!(frames(&packet.into()).next().unwrap().payload, [0x21, 1]);
    }
}
