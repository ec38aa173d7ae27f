//! A packet's NAL units, judged and put as openh264 takes them.
//!
//! **Invariant:** only slices and parameter sets go on, each whole and behind a start code of ours; nothing in them can be taken
//! for another start code. Sizes are checked before anything is allocated for them. Slice data is not read.

use sailcast_codec_face::Error;
use sailcast_media::{
    codec::avc_sps::Sps,
    read::{BitReader, ByteReader},
};
use std::collections::BTreeMap;

/// The largest picture taken. What is above is refused before it takes memory.
pub const MAX_WIDTH: u32 = 4096;
pub const MAX_HEIGHT: u32 = 2304;

const NAL_SLICE: u8 = 1;
const NAL_IDR_SLICE: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;
/// seq_parameter_set_id and pic_parameter_set_id (7.4.2).
const MAX_SPS_ID: u32 = 31;
const MAX_PPS_ID: u32 = 255;
/// Of one parameter set. Slice groups of a large picture fill kilobytes; more is damage.
const MAX_SET: usize = 64 << 10;
const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The parameter sets in force, from the configuration and from packets, by kind and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParameterSets {
    sets: BTreeMap<(u8, u32), Vec<u8>>,
}

impl ParameterSets {
    /// Behind start codes, SPS first.
    pub fn units(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for nal in self.sets.values() {
            append(&mut out, nal);
        }
        out
    }

    fn take(&mut self, nal: &[u8]) -> Result<(), Error> {
        if nal.len() > MAX_SET {
            return Err(format!("a parameter set of {} bytes", nal.len()));
        }
        let kind = kind(nal);
        let short = || "a parameter set is cut short".to_owned();
        let payload = nal.get(1..).ok_or_else(short)?;
        // Three bytes of profile and level come before the id of an SPS.
        let skipped = if kind == NAL_SPS { 24 } else { 0 };
        let mut r = BitReader::rbsp(payload);
        if skipped > 0 {
            r.bits(skipped).ok_or_else(short)?;
        }
        let id = r.ue().ok_or_else(short)?;
        if kind == NAL_SPS {
            let sps = Sps::parse(nal).map_err(|error| format!("SPS: {error}"))?;
            if sps.width > MAX_WIDTH || sps.height > MAX_HEIGHT {
                return Err(format!("{}x{} is more than {MAX_WIDTH}x{MAX_HEIGHT}", sps.width, sps.height));
            }
        }
        if id > if kind == NAL_SPS { MAX_SPS_ID } else { MAX_PPS_ID } {
            return Err(format!("a parameter set has the id {id}"));
        }
        self.sets.insert((kind, id), nal.to_vec());
        Ok(())
    }
}

/// An avcC (ISO/IEC 14496-15, 5.3.3.1): bytes of the lengths in its packets, and its parameter sets.
pub fn read_avcc(avcc: &[u8]) -> Result<(usize, ParameterSets), Error> {
    let short = || "the avcC is cut short".to_owned();
    let mut r = ByteReader::new(avcc);
    let [version, _, _, _, lengths, sps_count]: [u8; 6] = r.array().ok_or_else(short)?;
    let length_size = usize::from(lengths & 3) + 1;
    if version != 1 || length_size == 3 {
        return Err("not an avcC".to_owned());
    }
    let mut sets = ParameterSets::default();
    read_sets(&mut r, sps_count & 0x1f, &mut sets)?;
    let pps_count = r.u8().ok_or_else(short)?;
    // What High profiles have behind is in the SPS as well.
    read_sets(&mut r, pps_count, &mut sets)?;
    Ok((length_size, sets))
}

fn read_sets(r: &mut ByteReader<'_>, count: u8, sets: &mut ParameterSets) -> Result<(), Error> {
    for _ in 0..count {
        let nal = r.u16().and_then(|len| r.bytes(len.into()));
        let nal = trimmed(nal.ok_or_else(|| "the avcC is cut short".to_owned())?);
        if matches!(kind(nal), NAL_SPS | NAL_PPS) {
            check(nal)?;
            sets.take(nal)?;
        }
    }
    Ok(())
}

/// What a packet has for the decoder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Slices and parameter sets behind start codes.
    pub bytes: Vec<u8>,
    pub slices: usize,
    /// One of the slices is of an IDR picture.
    pub idr: bool,
    /// All slices are I: the picture needs no other.
    pub intra: bool,
    /// There are B slices: pictures do not come in the order of their times.
    pub bidirectional: bool,
    /// Another picture may refer to this one.
    pub referred: bool,
}

impl Units {
    /// Parameter sets also go to `sets`. After an error nothing is known of the packet.
    pub fn read(packet: &[u8], length_size: usize, sets: &mut ParameterSets) -> Result<Self, Error> {
        let mut units = Self { intra: true, ..Self::default() };
        let mut r = ByteReader::new(packet);
        while !r.is_empty() {
            let nal = r.uint(length_size).and_then(|len| r.bytes(len as usize));
            let nal = trimmed(nal.ok_or_else(|| "a NAL unit's length passes the packet's end".to_owned())?);
            match kind(nal) {
                NAL_SLICE | NAL_IDR_SLICE => {
                    check(nal)?;
                    units.slice(nal)?;
                }
                NAL_SPS | NAL_PPS => {
                    check(nal)?;
                    sets.take(nal)?;
                }
                2..=4 => return Err("slices in partitions are not supported".to_owned()),
                // Messages, delimiters, and layers of SVC and MVC: no picture needs them.
                _ => continue,
            }
            append(&mut units.bytes, nal);
        }
        units.intra &= units.slices > 0;
        Ok(units)
    }

    fn slice(&mut self, nal: &[u8]) -> Result<(), Error> {
        let mut r = BitReader::rbsp(nal.get(1..).unwrap_or_default());
        let _first_mb = r.ue();
        let slice_type = r.ue().filter(|slice_type| *slice_type <= 9);
        let slice_type = slice_type.ok_or_else(|| "a slice's header is damaged".to_owned())? % 5;
        self.slices += 1;
        self.idr |= kind(nal) == NAL_IDR_SLICE;
        self.intra &= slice_type == 2;
        self.bidirectional |= slice_type == 1;
        self.referred |= nal.first().is_some_and(|head| head & 0x60 != 0);
        Ok(())
    }
}

/// 0, which is no type, for an empty one.
fn kind(nal: &[u8]) -> u8 {
    nal.first().map_or(0, |head| head & 0x1f)
}

/// Without zeros at the end: no NAL unit has them (7.4.1), some muxers do.
fn trimmed(nal: &[u8]) -> &[u8] {
    nal.get(..nal.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1)).unwrap_or_default()
}

/// In a NAL unit 0 and 0 are followed by 3 or more (7.4.1); otherwise it holds more than one, or damage.
fn check(nal: &[u8]) -> Result<(), Error> {
    if nal.first().is_some_and(|head| head & 0x80 != 0) {
        return Err("a NAL unit's first bit is set".to_owned());
    }
    let mut zeros = 0u8;
    for byte in nal {
        match *byte {
            0 if zeros < 2 => zeros += 1,
            0..=2 if zeros == 2 => return Err("a start code within a NAL unit".to_owned()),
            _ => zeros = 0,
        }
    }
    Ok(())
}

fn append(out: &mut Vec<u8>, nal: &[u8]) {
    out.extend_from_slice(&START_CODE);
    out.extend_from_slice(nal);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x264: 640x360, High, level 3.0.
    const SPS: &[u8] = &[
        0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01,
        0x00, 0x00, 0x03, 0x00, 0x3c, 0x0f, 0x16, 0x2d, 0x96,
    ];
    const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];
    /// first_mb_in_slice 0, slice_type 7: I.
    const IDR: &[u8] = &[0x65, 0x88, 0x84];
    /// slice_type 5 and 6: P and B, the latter for nobody.
    const P: &[u8] = &[0x41, 0x9a, 0x24];
    const B: &[u8] = &[0x01, 0x9e, 0x42];

    fn avcc(sets: &[&[&[u8]]; 2]) -> Vec<u8> {
        let mut out = vec![1, 0x64, 0, 0x1e, 0xff, 0xe0 | sets[0].len() as u8];
        for (at, list) in sets.iter().enumerate() {
            if at == 1 {
                out.push(list.len() as u8);
            }
            for nal in *list {
                out.extend_from_slice(&(nal.len() as u16).to_be_bytes());
                out.extend_from_slice(nal);
            }
        }
        out
    }

    fn read(nals: &[&[u8]]) -> Result<Units, Error> {
        let mut packet = Vec::new();
        for nal in nals {
            packet.extend_from_slice(&(nal.len() as u32).to_be_bytes());
            packet.extend_from_slice(nal);
        }
        Units::read(&packet, 4, &mut ParameterSets::default())
    }

    /// Exp-Golomb (9.1).
    fn ue(value: u32) -> String {
        let code = format!("{:b}", value + 1);
        "0".repeat(code.len() - 1) + &code
    }

    /// Baseline, level 5.1, pic_order_cnt_type 2, no gaps, no fields, no cropping, no VUI.
    fn sps(width: u32, height: u32) -> Vec<u8> {
        let size = ue(width / 16 - 1) + &ue(height / 16 - 1);
        let bits = [0, 0, 2, 1].map(ue).concat() + "0" + &size + "11001";
        let padded = bits.clone() + &"0".repeat(7 - (bits.len() + 7) % 8);
        let bytes = padded.as_bytes().chunks(8).map(|chunk| std::str::from_utf8(chunk).unwrap());
        let bytes = bytes.map(|chunk| u8::from_str_radix(chunk, 2).unwrap());
        [0x67, 66, 0, 51].into_iter().chain(bytes).collect()
    }

    #[test]
    fn a_configuration_has_its_parameter_sets_and_is_refused_when_cut() {
        let whole = avcc(&[&[SPS], &[PPS]]);
        let (length_size, sets) = read_avcc(&whole).unwrap();
        assert_eq!(length_size, 4);
        assert_eq!(sets.units(), [&START_CODE, SPS, &START_CODE, PPS].concat());
        for len in 0..whole.len() {
            assert!(read_avcc(&whole[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn a_parameter_set_of_a_packet_replaces_the_one_of_its_id() {
        let (_, mut sets) = read_avcc(&avcc(&[&[SPS], &[PPS]])).unwrap();
        let other = &[0x68, 0xee, 0x3c, 0x80];
        let packet = [&[0, 0, 0, 4], &other[..]].concat();
        let units = Units::read(&packet, 4, &mut sets).unwrap();
        assert_eq!((units.slices, units.bytes.len()), (0, 8));
        assert_eq!(sets.units(), [&START_CODE, SPS, &START_CODE, &other[..]].concat());
    }

    #[test]
    fn a_size_above_the_limit_is_refused_before_anything_is_made_for_it() {
        assert!(read(&[&sps(4096, 2304)]).is_ok());
        assert_eq!(read(&[&sps(4112, 2304)]), Err("4112x2304 is more than 4096x2304".to_owned()));
        assert!(read(&[&sps(4096, 2320)]).is_err());
        assert!(read(&[&sps(16_000, 16_000)]).is_err());
    }

    #[test]
    fn slices_tell_what_a_picture_is() {
        let idr = read(&[&[0x09, 0x10], IDR, IDR]).unwrap();
        assert_eq!(idr.bytes, [&START_CODE, IDR, &START_CODE, IDR].concat());
        assert!(idr.idr && idr.intra && idr.referred && !idr.bidirectional && idr.slices == 2);
        let p = read(&[P]).unwrap();
        assert!(!p.idr && !p.intra && p.referred && !p.bidirectional);
        let b = read(&[B]).unwrap();
        assert!(!b.intra && !b.referred && b.bidirectional);
        assert!(!read(&[]).unwrap().intra, "no slice is none of a keyframe");
    }

    #[test]
    fn zeros_at_the_end_of_a_unit_are_left_out() {
        assert_eq!(read(&[&[0x41, 0x9a, 0x24, 0, 0, 0]]), read(&[P]));
    }

    #[test]
    fn a_start_code_in_a_unit_is_damage_and_an_escaped_one_is_not() {
        for bad in [&[0x41, 0x9a, 0, 0, 1, 5][..], &[0x41, 0x9a, 0, 0, 0, 5], &[0x41, 0x9a, 0, 0, 2, 5]] {
            assert!(read(&[bad]).is_err(), "{bad:x?}");
        }
        assert!(read(&[&[0x41, 0x9a, 0, 0, 3, 1, 5]]).is_ok());
    }

    #[test]
    fn a_length_past_the_end_a_set_first_bit_and_partitions_are_refused() {
        assert!(Units::read(&[0, 0, 0, 9, 0x65, 0x88], 4, &mut ParameterSets::default()).is_err());
        assert!(read(&[&[0xe5, 0x88, 0x84]]).is_err());
        assert!(read(&[&[0x42, 0x9a, 0x24]]).is_err());
    }
}
