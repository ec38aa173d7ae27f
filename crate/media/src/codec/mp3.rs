//! MPEG-1 and MPEG-2 audio, layers I to III: what its frames say by their headers (ISO/IEC 11172-3, 2.4.1.3, and 13818-3).
//!
//! **Invariant:** each unit that comes out begins with a frame header and, but for the last of a packet, ends where the next
//! begins. What stands before the first header is left out.
//!
//! Frames that pass the end of their packet are not joined with what comes in the next.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Damage, Facts, MAX_UNITS},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
};

/// In kbit/s: of MPEG-1 layers I to III, and of MPEG-2 layer I and layers II and III. 0 is free format.
const BITRATES: [[u32; 15]; 5] = [
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Of MPEG-1; half of it in MPEG-2, a quarter in MPEG-2.5.
const RATES: [u32; 3] = [44_100, 48_000, 32_000];
pub(super) const HEADER_LEN: usize = 4;

/// A track of MPEG audio.
#[derive(Debug, Default)]
pub struct Mp3 {
    config: Option<DecoderConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// `None` of free format: up to the next header.
    pub len: Option<usize>,
    pub samples: u32,
    pub rate: u32,
    channels: u8,
}

impl Mp3 {
    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let mut rest = skip_to_header(&data).ok_or(Damage::Invalid("no frame header"))?;
        let mut facts = Facts::default();
        let mut samples = 0u32;
        while let Some(header) = Header::parse(rest).filter(|_| facts.units.len() < MAX_UNITS) {
            let (frame, behind) =
                rest.split_at_checked(header.len.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            facts.config = self.follow(header).or(facts.config);
            let unit = AccessUnit::samples(data.slice_ref(frame), samples, header.samples, header.rate);
            facts.units.push(unit);
            samples = samples.saturating_add(header.samples);
            rest = behind;
        }
        Ok(facts)
    }

    fn follow(&mut self, header: Header) -> Option<DecoderConfig> {
        let params = AudioParams { sample_rate: header.rate, channels: header.channels };
        let config = DecoderConfig {
            codec: Codec::Mp3,
            codec_string: "mp3".into(),
            description: Bytes::new(),
            params: CodecParams::Audio(params),
        };
        if self.config.as_ref() == Some(&config) {
            return None;
        }
        self.config = Some(config);
        self.config.clone()
    }
}

/// The first header that another one or the packet's end stands behind, as a sync word alone is in any data; so a header of free
/// format, whose end is not known, counts at the start alone.
fn skip_to_header(data: &[u8]) -> Option<&[u8]> {
    let is_frame = |at: &[u8]| {
        let header = Header::parse(at)?;
        let behind = at.get(header.len?..)?;
        (behind.is_empty() || Header::parse(behind).is_some()).then_some(())
    };
    let starts = (0..data.len()).filter_map(|at| data.get(at..)).filter(|at| at.starts_with(&[0xff]));
    starts.clone().find(|at| is_frame(at).is_some()).or_else(|| {
        // A frame cut short, one with a tail, or one of free format.
        Some(data).filter(|data| Header::parse(data).is_some())
    })
}

impl Header {
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let bits = u32::from_be_bytes(*frame.first_chunk::<HEADER_LEN>()?);
        let field = |shift: u32, mask: u32| bits >> shift & mask;
        if field(21, 0x7ff) != 0x7ff {
            return None;
        }
        let is_mpeg1 = field(19, 3) == 3;
        // MPEG version 1 is reserved, and so is layer 0.
        let half = match field(19, 3) {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let layer = 4u32.checked_sub(field(17, 3)).filter(|layer| *layer < 4)?;
        let table: usize = match (is_mpeg1, layer) {
            (true, 1) => 0,
            (true, 2) => 1,
            (true, _) => 2,
            (false, 1) => 3,
            (false, _) => 4,
        };
        let bitrate = *BITRATES.get(table)?.get(field(12, 15) as usize)?;
        let rate = RATES.get(field(10, 3) as usize)? >> half;
        let samples = match layer {
            1 => 384,
            3 if !is_mpeg1 => 576,
            _ => 1152,
        };
        let padding = field(9, 1);
        // Slots of four bytes in layer I, of one in the others.
        let slot: u32 = if layer == 1 { 4 } else { 1 };
        let per_slot = slot.saturating_mul(8);
        let slots =
            bitrate.saturating_mul(1000).saturating_mul(samples).checked_div(rate)?.checked_div(per_slot)?;
        let len = slots.saturating_add(padding).saturating_mul(slot) as usize;
        Some(Self {
            len: Some(len).filter(|len| bitrate > 0 && *len > HEADER_LEN),
            samples,
            rate,
            channels: if field(6, 3) == 3 { 1 } else { 2 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(header: [u8; 4], len: usize) -> Vec<u8> {
        let mut frame = header.to_vec();
        frame.resize(len, 0x55);
        frame
    }

    /// LAME, 44.1 kHz stereo at 128 kbit/s, padded or not.
    fn stereo(padded: bool) -> Vec<u8> {
        frame([0xff, 0xfb, 0x90 | u8::from(padded) << 1, 0x64], 417 + usize::from(padded))
    }

    /// LAME, 22.05 kHz mono at 32 kbit/s.
    fn mono() -> Vec<u8> {
        frame([0xff, 0xf3, 0x40, 0xc4], 104)
    }

    #[test]
    fn the_first_frame_makes_the_configuration_and_another_kind_a_new_one() {
        let mut mp3 = Mp3::default();
        let facts = mp3.packet(stereo(true).into()).unwrap();
        let params = |rate, channels| CodecParams::Audio(AudioParams { sample_rate: rate, channels });
        let config = facts.config.unwrap();
        assert_eq!((config.codec_string.as_str(), config.params), ("mp3", params(44_100, 2)));
        assert_eq!(facts.units[0].duration.unwrap().0, 26_122);
        assert_eq!(mp3.packet(stereo(false).into()).unwrap().config, None);
        let facts = mp3.packet(mono().into()).unwrap();
        assert_eq!(facts.config.unwrap().params, params(22_050, 1));
        assert_eq!(facts.units[0].duration.unwrap().0, 26_122);
    }

    #[test]
    fn frames_of_a_packet_come_apart() {
        let packet = Bytes::from([stereo(true), stereo(false), stereo(true)].concat());
        let facts = Mp3::default().packet(packet).unwrap();
        let units: Vec<_> = facts.units.iter().map(|unit| (unit.offset.0, unit.data.len())).collect();
        assert_eq!(units, [(0, 418), (26_122, 417), (52_244, 418)]);
    }

    #[test]
    fn what_stands_before_the_first_frame_is_left_out() {
        let packet =
            Bytes::from([&[0xff, 0xfb, 0x90, 0x64, 1, 2][..], &stereo(false), &stereo(true)].concat());
        let sizes =
            Mp3::default().packet(packet).unwrap().units.iter().map(|unit| unit.data.len()).sum::<usize>();
        assert_eq!(sizes, 417 + 418);
    }

    #[test]
    fn free_format_and_cut_frames_go_whole() {
        for packet in [frame([0xff, 0xfb, 0x00, 0x64], 300), stereo(true)[..200].to_vec()] {
            let facts = Mp3::default().packet(packet.clone().into()).unwrap();
            assert_eq!(facts.units.iter().map(|unit| unit.data.len()).collect::<Vec<_>>(), [packet.len()]);
        }
    }

    #[test]
    fn bytes_behind_a_frame_do_not_hide_it() {
        let mut packet = stereo(false);
        // The look of a header of free format.
        packet[100..104].copy_from_slice(&[0xff, 0xfb, 0x00, 0x64]);
        packet.push(0);
        let facts = Mp3::default().packet(packet.clone().into()).unwrap();
        assert_eq!(facts.units.iter().map(|unit| &unit.data[..]).collect::<Vec<_>>(), [&packet[..417]]);
    }

    #[test]
    fn the_units_of_a_packet_are_bounded() {
        // MPEG-2 layer III of 8 kbit/s at 24 kHz: 24 bytes a frame.
        let facts = Mp3::default().packet(frame([0xff, 0xf3, 0x14, 0xc4], 24).repeat(1000).into()).unwrap();
        assert_eq!(facts.units.len(), MAX_UNITS);
    }

    #[test]
    fn other_layers_have_their_own_sizes() {
        // Layer II, 48 kHz, 192 kbit/s; layer I, 32 kHz, 384 kbit/s.
        assert_eq!(Header::parse(&[0xff, 0xfd, 0xa4, 0]).unwrap().len, Some(576));
        assert_eq!(Header::parse(&[0xff, 0xff, 0xc8, 0]).unwrap().len, Some(576));
    }

    #[test]
    fn what_is_no_frame_is_damage() {
        for data in
            [&[0x00, 1, 2, 3][..], &[0xff], &[0xff, 0xeb, 0x90, 0x64], &[0xff, 0xfb, 0xfc, 0x64], &[0xff; 64]]
        {
            assert!(Mp3::default().packet(Bytes::copy_from_slice(data)).is_err(), "{data:02x?}");
        }
    }
}
