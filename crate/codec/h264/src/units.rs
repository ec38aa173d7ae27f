//! A packet's NAL units, judged and put as openh264 takes them.
//!
//! **Invariant:** only slices and parameter sets go on, each whole and behind a start code of ours; nothing in them can be taken
//! for another start code. Sizes are checked before anything is allocated for them. Slice data is not read.

use sailcast_codec_face::Error;
use sailcast_media::{
    codec::{avc::Nals, avc_sps::Sps},
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
        for nal in Nals::new(packet, length_size) {
            let nal = trimmed(nal.map_err(|_| "a NAL unit's length passes the packet's end".to_owned())?);
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
