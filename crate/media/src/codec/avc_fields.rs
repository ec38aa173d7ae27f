//! Which slices of H.264 begin a picture, and which fields are of one frame.
//!
//! **Invariant:** two fields are of one frame when they follow each other with the same frame_num, one top and one bottom, and the
//! second is no IDR picture (3.30 and 7.4.1.2.4). A stream whose SPS did not come has no fields.

use crate::{
    codec::{
        access_units::Role,
        avc::{NAL_PPS, NAL_SPS, nal_type, pps_ids},
        avc_record,
        avc_sps::Sps,
        sets::ParameterSets,
    },
    read::BitReader,
};

const NAL_IDR_SLICE: u8 = 5;

#[derive(Debug, Default)]
pub(super) struct Fields {
    sets: ParameterSets,
    /// Of the pic_parameter_set_id last used, what its SPS says of fields.
    syntax: Option<(u32, Option<Syntax>)>,
    /// A field whose other one may follow.
    open: Option<Field>,
}

/// What an interlaced stream's SPS says of slice headers.
#[derive(Clone, Copy, Debug)]
struct Syntax {
    frame_num_bits: u32,
    separate_planes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    frame_num: u32,
    is_bottom: bool,
}

impl Fields {
    pub fn role(&mut self, nal: &[u8]) -> Role {
        match nal_type(nal) {
            Some(kind @ (1 | 2 | NAL_IDR_SLICE)) => self.slice(kind, nal),
            // The other partitions of a slice.
            Some(3 | 4) => Role::Slice,
            Some(kind @ (6..=9 | 14..=18)) => {
                if matches!(kind, NAL_SPS | NAL_PPS) && avc_record::insert(&mut self.sets, nal) == Ok(true) {
                    self.syntax = None;
                }
                Role::Ahead
            }
            _ => Role::Inner,
        }
    }

    /// What follows is not the other field.
    pub fn part(&mut self) {
        self.open = None;
    }

    fn slice(&mut self, kind: u8, nal: &[u8]) -> Role {
        let mut r = BitReader::rbsp(nal.get(1..).unwrap_or_default());
        // first_mb_in_slice.
        if r.ue() != Some(0) {
            return Role::Slice;
        }
        let field = self.field(&mut r);
        let is_second_field = match (self.open, field) {
            (Some(first), Some(second)) => {
                first.frame_num == second.frame_num
                    && first.is_bottom != second.is_bottom
                    && kind != NAL_IDR_SLICE
            }
            _ => false,
        };
        self.open = field.filter(|_| !is_second_field);
        Role::First { is_field: field.is_some(), is_second_field }
    }

    /// The rest of a slice header (7.3.3) as far as its field.
    fn field(&mut self, r: &mut BitReader<'_>) -> Option<Field> {
        r.ue()?; // slice_type
        let pps = r.ue()?;
        let syntax = self.syntax_of(pps)?;
        if syntax.separate_planes {
            r.bits(2)?; // colour_plane_id
        }
        let frame_num = r.bits(syntax.frame_num_bits)?;
        // field_pic_flag and bottom_field_flag.
        if r.bit()? { Some(Field { frame_num, is_bottom: r.bit()? }) } else { None }
    }

    fn syntax_of(&mut self, pps: u32) -> Option<Syntax> {
        if let Some((known, syntax)) = self.syntax
            && known == pps
        {
            return syntax;
        }
        let syntax = self.read_syntax(pps);
        self.syntax = Some((pps, syntax));
        syntax
    }

    fn read_syntax(&self, pps: u32) -> Option<Syntax> {
        let (_, sps) = pps_ids(&self.sets.get(NAL_PPS, pps)?.nal)?;
        let sps = Sps::parse(&self.sets.get(NAL_SPS, sps)?.nal).ok()?;
        (!sps.frame_mbs_only)
            .then_some(Syntax { frame_num_bits: sps.frame_num_bits, separate_planes: sps.separate_planes })
    }
}
