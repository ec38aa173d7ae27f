//! Our reading of SPS equals h264-reader's: size, bit depth, colours, codec string digits, reorder depth.

mod common;

use std::path::Path;

use common::{Ours, corpus, fixtures};
use h264_reader::{
    avcc::AvcDecoderConfigurationRecord,
    nal::sps::SeqParameterSet,
    rbsp::{BitReader, decode_nal},
};
use sailcast_media::{Codec, CodecParams, Colour, MediaKind, codec::avc_sps::Sps};

fn theirs(nal: &[u8]) -> SeqParameterSet {
    let rbsp = decode_nal(nal).expect("a NAL unit");
    SeqParameterSet::from_bits(BitReader::new(rbsp.as_ref())).expect("an SPS")
}

fn compare_sps(nal: &[u8]) -> Sps {
    let expected = theirs(nal);
    let ours = Sps::parse(nal).expect("an SPS");
    assert_eq!((ours.width, ours.height), expected.pixel_dimensions().expect("a size"));
    assert_eq!(
        ours.profile,
        [u8::from(expected.profile_idc), expected.constraint_flags.into(), expected.level_idc]
    );
    let chroma = expected.chroma_info;
    assert_eq!(
        (ours.bit_depth, ours.bit_depth_chroma),
        (chroma.bit_depth_luma_minus8 + 8, chroma.bit_depth_chroma_minus8 + 8)
    );
    let signal = expected.vui_parameters.as_ref().and_then(|vui| vui.video_signal_type.as_ref());
    let points = signal.and_then(|signal| signal.colour_description.as_ref()).map(|described| {
        (described.colour_primaries, described.transfer_characteristics, described.matrix_coefficients)
    });
    let Colour { primaries, transfer, matrix, full_range } = ours.colour;
    assert_eq!((primaries, transfer, matrix), points.unwrap_or((2, 2, 2)));
    assert_eq!(full_range, signal.is_some_and(|signal| signal.video_full_range_flag));
    if let Some(limits) = expected.vui_parameters.and_then(|vui| vui.bitstream_restrictions) {
        assert_eq!(u32::from(ours.reorder_depth), limits.max_num_reorder_frames);
    }
    ours
}

fn compare_file(path: &Path) {
    let ours = Ours::of(path);
    let track = ours.track(MediaKind::Video).filter(|track| track.config.codec == Codec::Avc);
    let Some(track) = track else { return };
    let avcc = AvcDecoderConfigurationRecord::try_from(&track.config.description[..]).expect("avcC");
    let nal = avcc.sequence_parameter_sets().next().expect("an SPS").expect("a whole SPS");
    let sps = compare_sps(nal);
    let CodecParams::Video(video) = track.config.params else { panic!("{}: video", path.display()) };
    assert_eq!((video.width, video.height), (sps.width, sps.height), "{}", path.display());
}

#[test]
fn fixtures_agree() {
    for path in fixtures() {
        compare_file(&path);
    }
}

#[test]
fn corpus_files_agree() {
    for path in corpus() {
        compare_file(&path);
    }
}

/// Sequence parameter sets in the wild: Annex B start codes in any file of the corpus.
#[test]
fn annex_b_corpus_files_agree() {
    let Some(folder) = std::env::var_os("SAILCAST_CORPUS") else { return };
    let Ok(files) = std::fs::read_dir(Path::new(&folder).join("openh264")) else { return };
    for path in files.flatten().map(|entry| entry.path()) {
        let bytes = std::fs::read(&path).expect("a corpus file");
        let starts: Vec<_> =
            bytes.windows(3).enumerate().filter(|(_, w)| *w == [0, 0, 1]).map(|(i, _)| i).collect();
        for (i, start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(bytes.len());
            let nal = &bytes[start + 3..end];
            let len = nal.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
            if nal.first().is_some_and(|header| header & 0x1f == 7) {
                let sps = compare_sps(&nal[..len]);
                println!("{} {sps:?}", path.display());
                break;
            }
        }
    }
}
