//! AV1: the sequence header (5.5) and the head of a frame header (5.9.2), of the AV1 bitstream specification.
//!
//! **Invariant:** lengths of fields come from the sequence header that holds, each of at most 32 bits.

use crate::{codec::ConfigError, packet::Colour, read::BitReader};

/// What is used of a sequence header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    pub profile: u8,
    /// seq_level_idx and seq_tier of the first operating point.
    pub level: u8,
    pub high_tier: bool,
    /// max_frame_width_minus_1 and max_frame_height_minus_1, plus 1.
    pub width: u32,
    pub height: u32,
    pub bit_depth: u8,
    pub monochrome: bool,
    pub subsampling: [bool; 2],
    pub chroma_sample_position: u8,
    pub colour: Colour,
    fields: Fields,
}

/// What a frame header's layout depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields {
    reduced_still_picture: bool,
    equal_picture_interval: bool,
    decoder_model: Option<DecoderModel>,
    /// operating_point_idc of those with a decoder model.
    timed_points: Vec<u32>,
    frame_id_len: Option<u32>,
    /// As they are forced; `None` where each frame chooses.
    screen_content_tools: Option<bool>,
    integer_mv: Option<bool>,
    order_hint_len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DecoderModel {
    buffer_delay_len: u32,
    buffer_removal_time_len: u32,
    presentation_time_len: u32,
}

/// What is used of a frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// A key frame that is shown: decoding can start here.
    pub is_key: bool,
    /// Another frame may refer to it.
    pub is_reference: bool,
}

const SELECT: u32 = 2;
/// CP_BT_709, TC_SRGB, MC_IDENTITY.
const SRGB: [u8; 3] = [1, 13, 0];

impl Sequence {
    /// Reads a sequence header OBU's payload.
    pub fn parse(payload: &[u8]) -> Result<Self, ConfigError> {
        let profile = payload.first().ok_or(ConfigError::Short)? >> 5;
        if profile > 2 {
            return Err(ConfigError::Invalid("seq_profile"));
        }
        read_sequence(&mut BitReader::new(payload)).ok_or(ConfigError::Short)
    }

    /// The codec string of "AV1 Codec ISO Media File Format Binding", 5. The optional part is left out where it says no more
    /// than its absence.
    pub fn codec_string(&self) -> String {
        let tier = if self.high_tier { 'H' } else { 'M' };
        let mut out = format!("av01.{}.{:02}{tier}.{:02}", self.profile, self.level, self.bit_depth);
        let Colour { primaries, transfer, matrix, full_range } = self.colour.in_codec_string();
        let plain = [[1; 3], [2; 3]].contains(&[primaries, transfer, matrix]) && !full_range;
        if self.monochrome || self.subsampling != [true; 2] || !plain {
            let [x, y] = self.subsampling.map(u8::from);
            let position = self.chroma_sample_position;
            let (mono, range) = (u8::from(self.monochrome), u8::from(full_range));
            out.push_str(&format!(
                ".{mono}.{x}{y}{position}.{primaries:02}.{transfer:02}.{matrix:02}.{range}"
            ));
        }
        out
    }
}

fn read_sequence(r: &mut BitReader<'_>) -> Option<Sequence> {
    let profile = byte(r, 3)?;
    r.bit()?; // still_picture
    let mut fields = Fields { reduced_still_picture: r.bit()?, ..Fields::default() };
    let (level, high_tier) = match fields.reduced_still_picture {
        true => (byte(r, 5)?, false),
        false => operating_points(r, &mut fields)?,
    };
    let (width_len, height_len) = (r.bits(4)?.checked_add(1)?, r.bits(4)?.checked_add(1)?);
    let (width, height) = (r.bits(width_len)?.checked_add(1)?, r.bits(height_len)?.checked_add(1)?);
    if !fields.reduced_still_picture && r.bit()? {
        let delta_len = r.bits(4)?.checked_add(2)?;
        fields.frame_id_len = Some(r.bits(3)?.checked_add(1)?.checked_add(delta_len)?);
    }
    r.bits(3)?; // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if !fields.reduced_still_picture {
        inter_tools(r, &mut fields)?;
    }
    r.bits(3)?; // enable_superres, enable_cdef, enable_restoration
    let mut sequence = Sequence {
        profile,
        level,
        high_tier,
        width,
        height,
        bit_depth: 8,
        monochrome: false,
        subsampling: [true; 2],
        chroma_sample_position: 0,
        colour: Colour::UNSPECIFIED,
        fields,
    };
    color_config(r, &mut sequence)?;
    Some(sequence)
}

/// timing_info_present_flag to the end of the operating points; level and tier of the first.
fn operating_points(r: &mut BitReader<'_>, fields: &mut Fields) -> Option<(u8, bool)> {
    if r.bit()? {
        r.skip(64)?; // num_units_in_display_tick, time_scale
        fields.equal_picture_interval = r.bit()?;
        if fields.equal_picture_interval {
            // num_ticks_per_picture_minus_1: uvlc() (4.10.3) is ue(v) but for a longest code.
            r.ue()?;
        }
        if r.bit()? {
            let buffer_delay_len = r.bits(5)?.checked_add(1)?;
            r.skip(32)?; // num_units_in_decoding_tick
            fields.decoder_model = Some(DecoderModel {
                buffer_delay_len,
                buffer_removal_time_len: r.bits(5)?.checked_add(1)?,
                presentation_time_len: r.bits(5)?.checked_add(1)?,
            });
        }
    }
    let initial_display_delay = r.bit()?;
    let mut first = None;
    for _ in 0..=r.bits(5)? {
        let idc = r.bits(12)?;
        let level = byte(r, 5)?;
        let high_tier = level > 7 && r.bit()?;
        first = first.or(Some((level, high_tier)));
        if let Some(model) = fields.decoder_model
            && r.bit()?
        {
            fields.timed_points.push(idc);
            r.skip(model.buffer_delay_len)?;
            r.skip(model.buffer_delay_len)?;
            r.bit()?; // low_delay_mode_flag
        }
        if initial_display_delay && r.bit()? {
            r.bits(4)?;
        }
    }
    first
}

/// enable_interintra_compound to order_hint_bits_minus_1.
fn inter_tools(r: &mut BitReader<'_>, fields: &mut Fields) -> Option<()> {
    r.bits(4)?; // enable_interintra_compound to enable_dual_filter
    let order_hint = r.bit()?;
    if order_hint {
        r.bits(2)?; // enable_jnt_comp, enable_ref_frame_mvs
    }
    let forced = |r: &mut BitReader<'_>| Some(if r.bit()? { SELECT } else { r.bits(1)? });
    let screen_content_tools = forced(r)?;
    let integer_mv = if screen_content_tools > 0 { forced(r)? } else { SELECT };
    let choice = |value: u32| if value == SELECT { None } else { Some(value == 1) };
    fields.screen_content_tools = choice(screen_content_tools);
    fields.integer_mv = choice(integer_mv);
    if order_hint {
        fields.order_hint_len = r.bits(3)?.checked_add(1)?;
    }
    Some(())
}

/// color_config (5.5.2) up to chroma_sample_position.
fn color_config(r: &mut BitReader<'_>, sequence: &mut Sequence) -> Option<()> {
    let high = r.bit()?;
    sequence.bit_depth = match (high, sequence.profile == 2) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => {
            if r.bit()? {
                12
            } else {
                10
            }
        }
    };
    sequence.monochrome = sequence.profile != 1 && r.bit()?;
    let points = if r.bit()? { [byte(r, 8)?, byte(r, 8)?, byte(r, 8)?] } else { [2; 3] };
    let [primaries, transfer, matrix] = points;
    sequence.colour = Colour { primaries, transfer, matrix, full_range: true };
    if !sequence.monochrome && points == SRGB {
        sequence.subsampling = [false; 2];
        return Some(());
    }
    sequence.colour.full_range = r.bit()?;
    if sequence.monochrome {
        return Some(());
    }
    sequence.subsampling = match sequence.profile {
        0 => [true; 2],
        1 => [false; 2],
        _ if sequence.bit_depth == 12 => {
            let x = r.bit()?;
            [x, x && r.bit()?]
        }
        _ => [true, false],
    };
    if sequence.subsampling == [true; 2] {
        sequence.chroma_sample_position = byte(r, 2)?;
    }
    Some(())
}

impl Frame {
    /// Reads a frame header, or a frame OBU's first bytes, in this layer.
    pub fn parse(payload: &[u8], sequence: &Sequence, temporal_id: u8, spatial_id: u8) -> Option<Self> {
        let (r, fields) = (&mut BitReader::new(payload), &sequence.fields);
        let start = Self { is_key: true, is_reference: true };
        if fields.reduced_still_picture {
            return Some(start);
        }
        if r.bit()? {
            // show_existing_frame: of a key frame it refreshes all references, and which frame it is is not known here.
            return Some(Self { is_key: false, is_reference: true });
        }
        let kind = r.bits(2)?;
        let (is_key_frame, is_intra_only, is_switch) = (kind == 0, kind == 2, kind == 3);
        let shown = r.bit()?;
        if shown && is_key_frame {
            return Some(start);
        }
        if let Some(model) = fields.decoder_model.filter(|_| shown && !fields.equal_picture_interval) {
            r.skip(model.presentation_time_len)?;
        }
        if !shown {
            r.bit()?; // showable_frame
        }
        if is_switch {
            return Some(Self { is_key: false, is_reference: true });
        }
        let error_resilient = r.bit()?;
        r.bit()?; // disable_cdf_update
        let screen_content_tools = choose(r, fields.screen_content_tools)?;
        if screen_content_tools {
            choose(r, fields.integer_mv)?;
        }
        r.skip(fields.frame_id_len.unwrap_or_default())?;
        r.bit()?; // frame_size_override_flag
        r.skip(fields.order_hint_len)?;
        if !(is_key_frame || is_intra_only || error_resilient) {
            r.bits(3)?; // primary_ref_frame
        }
        if let Some(model) = fields.decoder_model
            && r.bit()?
        {
            let in_layer = |idc: &&u32| {
                let has = |bit: u8| **idc >> bit & 1 == 1;
                **idc == 0 || has(temporal_id) && has(spatial_id.saturating_add(8))
            };
            for _ in fields.timed_points.iter().filter(in_layer) {
                r.skip(model.buffer_removal_time_len)?;
            }
        }
        Some(Self { is_key: false, is_reference: r.bits(8)? != 0 })
    }
}

fn choose(r: &mut BitReader<'_>, forced: Option<bool>) -> Option<bool> {
    forced.map_or_else(|| r.bit(), Some)
}

fn byte(r: &mut BitReader<'_>, n: u32) -> Option<u8> {
    r.bits(n).and_then(|value| u8::try_from(value).ok())
}
