//! Our reading of H.265 sequence parameter sets and AV1 sequence headers equals scuffle-h265's and scuffle-av1's: those of real
//! encoders, and what damage makes of them wherever both still read one.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;
use sailcast_media::{
    Colour,
    codec::{av1_headers::Sequence, hevc_sps::Sps},
};
use scuffle_av1::{ObuHeader, seq::SequenceHeaderObu};
use scuffle_h265::SpsNALUnit;

/// x265: B-frames and BT.709; 10 bits in three sub-layers; 4:4:4 with scaling lists and HRD; 1080 lines.
const SPS: [&str; 4] = [
    "42010101600000030090000003000003003fa005020171d4d965644a4c2e6a02020208000003000800000300c840",
    "42010402200000030090000003000003003c0000a00a080f13659594aca5654a4c2e6a12201208000003000800000300c840",
    "4201010408000003009e0800000300003c90014101e2cb2b2a5270b9a0200000030020000003032c02918bc001e848003d0910",
    "420101016000000300900000030000030078a003c0801107cb966654a4d2e6816db8000003000800000300c840",
];

/// SVT-AV1: BT.709; 10 bits of BT.2020; screen content; 1080 lines.
const SEQUENCES: [&str; 4] = [
    "0000000cc4fb6512be4404040410",
    "000000043cffbc4af95091009040",
    "0000000cc4ff6712be4210",
    "00000042abbfc3712be401",
];

const ROUNDS: u32 = 20_000;

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// Up to three bits flipped, by a small generator.
fn damaged(whole: &[u8], from: usize, state: &mut u32) -> Vec<u8> {
    let mut next = |n: usize| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 8) as usize % n
    };
    let mut bytes = whole.to_vec();
    for _ in 0..=next(3) {
        let at = from + next(bytes.len() - from);
        bytes[at] ^= 1 << next(8);
    }
    bytes
}

#[derive(Debug, PartialEq)]
struct H265 {
    id: u64,
    size: (u64, u64),
    depths: (u8, u8),
    chroma: u8,
    sub_layers: u8,
    reorder: u64,
    profile: (u8, bool, Option<u8>),
    colour: Colour,
}

fn our_h265(nal: &[u8]) -> Option<H265> {
    let sps = Sps::parse(nal).ok()?;
    let [first, .., level] = sps.profile.0;
    Some(H265 {
        id: sps.id.into(),
        size: (sps.width.into(), sps.height.into()),
        depths: (sps.bit_depth, sps.bit_depth_chroma),
        chroma: sps.chroma_format_idc,
        sub_layers: sps.highest_sub_layer,
        reorder: sps.reorder_depth.into(),
        profile: (first & 0x1f, first & 0x20 != 0, Some(level)),
        colour: sps.colour,
    })
}

fn their_h265(nal: &[u8]) -> Option<H265> {
    // It overflows on some input.
    let sps = catch_unwind(AssertUnwindSafe(|| {
        let sps = SpsNALUnit::parse(nal).ok()?.rbsp;
        let size = (sps.cropped_width(), sps.cropped_height());
        Some((sps, size))
    }));
    let (sps, size) = sps.ok().flatten()?;
    let signal = sps.vui_parameters.map(|vui| vui.video_signal_type);
    let profile = &sps.profile_tier_level.general_profile;
    Some(H265 {
        id: sps.sps_seq_parameter_set_id,
        size,
        depths: (sps.bit_depth_luma_minus8 + 8, sps.bit_depth_chroma_minus8 + 8),
        chroma: sps.chroma_format_idc,
        sub_layers: sps.sps_max_sub_layers_minus1,
        reorder: *sps.sub_layer_ordering_info.sps_max_num_reorder_pics.last().expect("a sub-layer"),
        profile: (profile.profile_idc, profile.tier_flag, profile.level_idc),
        colour: signal.map_or(Colour::UNSPECIFIED, |signal| Colour {
            primaries: signal.colour_primaries,
            transfer: signal.transfer_characteristics,
            matrix: signal.matrix_coeffs,
            full_range: signal.video_full_range_flag,
        }),
    })
}

#[derive(Debug, PartialEq)]
struct Av1 {
    profile: u8,
    level: (u8, bool),
    size: (u64, u64),
    depth: i32,
    monochrome: bool,
    subsampling: [bool; 2],
    colour: Colour,
}

fn our_av1(payload: &[u8]) -> Option<Av1> {
    let sequence = Sequence::parse(payload).ok()?;
    Some(Av1 {
        profile: sequence.profile,
        level: (sequence.level, sequence.high_tier),
        size: (sequence.width.into(), sequence.height.into()),
        depth: sequence.bit_depth.into(),
        monochrome: sequence.monochrome,
        subsampling: sequence.subsampling,
        colour: sequence.colour,
    })
}

fn their_av1(payload: &[u8]) -> Option<Av1> {
    let header = ObuHeader::parse(&mut [0x0a, payload.len() as u8].as_slice()).expect("an OBU header");
    let parsed = catch_unwind(AssertUnwindSafe(|| {
        SequenceHeaderObu::parse(header, &mut std::io::Cursor::new(Bytes::copy_from_slice(payload))).ok()
    }));
    let sequence = parsed.ok().flatten()?;
    let first = sequence.operating_points.first()?;
    let colour = sequence.color_config;
    Some(Av1 {
        profile: sequence.seq_profile,
        level: (first.seq_level_idx, first.seq_tier),
        size: (sequence.max_frame_width, sequence.max_frame_height),
        depth: colour.bit_depth,
        monochrome: colour.mono_chrome,
        subsampling: [colour.subsampling_x, colour.subsampling_y],
        colour: Colour {
            primaries: colour.color_primaries,
            transfer: colour.transfer_characteristics,
            matrix: colour.matrix_coefficients,
            full_range: colour.full_color_range,
        },
    })
}

fn compare<T: PartialEq + std::fmt::Debug>(
    wholes: &[&str],
    from: usize,
    ours: fn(&[u8]) -> Option<T>,
    theirs: fn(&[u8]) -> Option<T>,
) {
    let mut state = 1;
    let mut both = 0;
    for whole in wholes.iter().map(|hex| bytes_of(hex)) {
        let read = ours(&whole).expect("ours reads a good one");
        assert_eq!(Some(read), theirs(&whole), "{whole:02x?}");
        for _ in 0..ROUNDS {
            let bytes = damaged(&whole, from, &mut state);
            if let (Some(our), Some(their)) = (ours(&bytes), theirs(&bytes)) {
                both += 1;
                assert_eq!(our, their, "{bytes:02x?}");
            }
        }
    }
    println!("{both} damaged ones read by both");
    assert!(both > ROUNDS / 10, "only {both} could be compared");
}

#[test]
fn h265_sequence_parameter_sets_agree() {
    std::panic::set_hook(Box::new(|_| {}));
    let compared = catch_unwind(|| compare(&SPS, 2, our_h265, their_h265));
    drop(std::panic::take_hook());
    compared.unwrap_or_else(|why| panic!("{:?}", why.downcast_ref::<String>()));
}

#[test]
fn av1_sequence_headers_agree() {
    compare(&SEQUENCES, 0, our_av1, their_av1);
}
