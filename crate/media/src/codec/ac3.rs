//! AC-3 and E-AC-3: what their syncframes say (ETSI TS 102 366, 4.4 and E.1.2).
//!
//! **Invariant:** which of the two it is, its rate and its channels come from the first syncframe of a packet. An E-AC-3 packet
//! stays one unit, of all its blocks and substreams; AC-3 syncframes come apart.
//!
//! Channels that dependent substreams add are not counted.

use bytes::Bytes;

use crate::{
    codec::{AccessUnit, Damage, Facts, MAX_UNITS},
    packet::{AudioParams, Codec, CodecParams, DecoderConfig},
    read::{BitReader, ByteReader},
};

const SYNC_WORD: u32 = 0x0b77;
const RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// In kbit/s, by half of frmsizecod (table 4.13).
const BITRATES: [u32; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];
/// Full bandwidth channels by acmod (table 4.3).
const CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];
const BLOCK_SAMPLES: u32 = 256;
/// Bytes that tell all that is read of a syncframe.
pub(super) const HEADER_LEN: usize = 8;
const AC3_BLOCKS: u32 = 6;
/// The last bsid of AC-3 and the last of E-AC-3.
const LAST_AC3: u32 = 10;
const LAST_EAC3: u32 = 16;

/// A track of AC-3 or E-AC-3.
#[derive(Debug, Default)]
pub struct Ac3 {
    config: Option<DecoderConfig>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Syncframe {
    pub codec: Codec,
    pub len: usize,
    blocks: u32,
    pub rate: u32,
    channels: u8,
    /// It begins new time: neither a dependent substream nor another programme.
    pub is_first: bool,
}

impl Ac3 {
    pub(super) fn packet(&mut self, data: Bytes) -> Result<Facts, Damage> {
        let mut r = ByteReader::new(&data);
        let first = Syncframe::parse(&data).ok_or(Damage::Invalid("syncframe"))?;
        let config = self.follow(first);
        let (mut units, mut samples) = (Vec::new(), 0u32);
        while let Some(frame) = Syncframe::parse(r.rest()).filter(|_| units.len() < MAX_UNITS) {
            let len = frame.len.min(r.rest().len());
            let Some(bytes) = r.bytes(len) else { break };
            let its_own = frame.samples();
            if first.codec == Codec::Ac3 {
                units.push(AccessUnit::samples(data.slice_ref(bytes), samples, its_own, first.rate));
            }
            samples = samples.saturating_add(its_own);
        }
        if first.codec == Codec::Eac3 {
            units.push(AccessUnit::samples(data, 0, samples, first.rate));
        }
        Ok(Facts { config, sei: Vec::new(), units })
    }

    fn follow(&mut self, frame: Syncframe) -> Option<DecoderConfig> {
        let params = AudioParams { sample_rate: frame.rate, channels: frame.channels };
        let config = DecoderConfig {
            codec: frame.codec,
            codec_string: if frame.codec == Codec::Ac3 { "ac-3" } else { "ec-3" }.into(),
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

impl Syncframe {
    /// Those that it adds to the time.
    pub fn samples(&self) -> u32 {
        if self.is_first { self.blocks.saturating_mul(BLOCK_SAMPLES) } else { 0 }
    }

    pub fn parse(data: &[u8]) -> Option<Self> {
        // bsid stands at the same place in both.
        let bsid = u32::from(data.get(5)? >> 3);
        let mut r = BitReader::new(data);
        if r.bits(16)? != SYNC_WORD {
            return None;
        }
        match bsid {
            0..=LAST_AC3 => Self::ac3(&mut r, bsid),
            _ if bsid <= LAST_EAC3 => Self::eac3(&mut r),
            _ => None,
        }
    }

    fn ac3(r: &mut BitReader<'_>, bsid: u32) -> Option<Self> {
        r.bits(16)?; // crc1
        let rate_code = r.bits(2)? as usize;
        let rate = *RATES.get(rate_code)?;
        let size_code = r.bits(6)?;
        let bitrate = *BITRATES.get(size_code as usize >> 1)?;
        // Words of 16 bits in 1536 samples; at 44.1 kHz one more in every other frame.
        let words = bitrate.saturating_mul(96_000).checked_div(rate)?;
        let odd = if rate_code == 1 { size_code & 1 } else { 0 };
        r.bits(8)?; // bsid, bsmod
        let mode = r.bits(3)?;
        if mode & 1 == 1 && mode != 1 {
            r.bits(2)?; // cmixlev
        }
        if mode & 4 == 4 {
            r.bits(2)?; // surmixlev
        }
        if mode == 2 {
            r.bits(2)?; // dsurmod
        }
        Some(Self {
            codec: Codec::Ac3,
            len: words.saturating_add(odd).saturating_mul(2) as usize,
            blocks: AC3_BLOCKS,
            // bsid 9 and 10 are halves and quarters of the rate, in use though not in the standard.
            rate: rate >> bsid.saturating_sub(8),
            channels: CHANNELS.get(mode as usize)?.saturating_add(u8::from(r.bit()?)),
            is_first: true,
        })
    }

    fn eac3(r: &mut BitReader<'_>) -> Option<Self> {
        let kind = r.bits(2)?;
        let substream = r.bits(3)?;
        let words = r.bits(11)?.saturating_add(1);
        let (rate, blocks) = match RATES.get(r.bits(2)? as usize) {
            Some(rate) => (*rate, *[1, 2, 3, 6].get(r.bits(2)? as usize)?),
            // fscod2: half of the rate.
            None => (RATES.get(r.bits(2)? as usize)? >> 1, AC3_BLOCKS),
        };
        let mode = r.bits(3)?;
        Some(Self {
            codec: Codec::Eac3,
            len: words.saturating_mul(2) as usize,
            blocks,
            rate,
            channels: CHANNELS.get(mode as usize)?.saturating_add(u8::from(r.bit()?)),
            // strmtyp 1 is dependent, 3 reserved.
            is_first: matches!(kind, 0 | 2) && substream == 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(head: &[u8], len: usize) -> Vec<u8> {
        let mut frame = head.to_vec();
        frame.resize(len, 0);
        frame
    }

    /// FFmpeg: 48 kHz 5.1, 44.1 kHz stereo, and E-AC-3 of 48 kHz 5.1.
    fn surround() -> Vec<u8> {
        frame(&[0x0b, 0x77, 0xfe, 0x7c, 0x1e, 0x40, 0xeb, 0xf8], 1792)
    }

    fn stereo(padded: bool) -> Vec<u8> {
        frame(
            &[0x0b, 0x77, 0xa3, 0x62, 0x54 | u8::from(padded), 0x40, 0x43, 0xe1],
            834 + 2 * usize::from(padded),
        )
    }

    fn enhanced() -> Vec<u8> {
        frame(&[0x0b, 0x77, 0x03, 0x7f, 0x3f, 0x87, 0xc0, 0x00], 1792)
    }

    fn params(config: &DecoderConfig) -> (&str, u32, u8) {
        let CodecParams::Audio(audio) = config.params else { panic!("audio") };
        (&config.codec_string, audio.sample_rate, audio.channels)
    }

    #[test]
    fn the_first_frame_makes_the_configuration_and_another_kind_a_new_one() {
        let mut ac3 = Ac3::default();
        let facts = ac3.packet(surround().into()).unwrap();
        assert_eq!(params(&facts.config.unwrap()), ("ac-3", 48_000, 6));
        assert_eq!(facts.units[0].duration.unwrap().0, 32_000);
        assert_eq!(ac3.packet(surround().into()).unwrap().config, None);
        assert_eq!(params(&ac3.packet(stereo(false).into()).unwrap().config.unwrap()), ("ac-3", 44_100, 2));
        let facts = ac3.packet(enhanced().into()).unwrap();
        assert_eq!(params(&facts.config.unwrap()), ("ec-3", 48_000, 6));
        assert_eq!(facts.units[0].duration.unwrap().0, 32_000);
    }

    #[test]
    fn syncframes_of_a_packet_come_apart() {
        let packet = Bytes::from([stereo(false), stereo(true)].concat());
        let facts = Ac3::default().packet(packet).unwrap();
        let units: Vec<_> = facts.units.iter().map(|unit| (unit.offset.0, unit.data.len())).collect();
        assert_eq!(units, [(0, 834), (34_829, 836)]);
    }

    #[test]
    fn substreams_of_enhanced_frames_stay_together() {
        let mut dependent = enhanced();
        dependent[2] = 0x43;
        let packet = Bytes::from([enhanced(), dependent].concat());
        let facts = Ac3::default().packet(packet.clone()).unwrap();
        assert_eq!((facts.units.len(), facts.units[0].data.len()), (1, packet.len()));
        assert_eq!(facts.units[0].duration.unwrap().0, 32_000);
    }

    #[test]
    fn damage_is_told() {
        let whole = surround();
        for len in 0..7 {
            assert!(Ac3::default().packet(Bytes::copy_from_slice(&whole[..len])).is_err(), "{len}");
        }
        for (at, byte) in [(0, 0), (4, 0xc0), (4, 0x3f), (5, 0xff)] {
            let mut bad = whole.clone();
            bad[at] = byte;
            assert!(Ac3::default().packet(bad.into()).is_err(), "{at}");
        }
    }
}
