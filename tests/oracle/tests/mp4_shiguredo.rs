//! Our packets of MP4 files equal the samples of `shiguredo_mp4`, which does not apply edits: whole files and fragmented ones.

mod common;

use std::{collections::BTreeSet, path::Path};

use common::{Ours, mp4_fixtures, name, read};
use sailcast_media::{MediaTime, Packet, TrackId};
use shiguredo_mp4::{
    TrackKind,
    demux::{DemuxError, Fmp4FileDemuxer, Input, Mp4FileDemuxer, Sample},
};

/// A sample in ticks of its track.
struct Theirs {
    is_video: bool,
    /// track_ID.
    number: u32,
    timescale: u32,
    dts: i64,
    composition: i64,
    keyframe: bool,
    at: usize,
    size: usize,
}

impl Theirs {
    fn of(sample: &Sample<'_>) -> Self {
        Self {
            is_video: sample.track.kind == TrackKind::Video,
            number: sample.track.track_id,
            timescale: sample.track.timescale.get(),
            dts: i64::try_from(sample.timestamp).expect("a time"),
            composition: sample.composition_time_offset.unwrap_or_default(),
            keyframe: sample.keyframe,
            at: usize::try_from(sample.data_offset).expect("an offset"),
            size: sample.data_size,
        }
    }
}

fn whole(file: &[u8]) -> Result<Vec<Theirs>, DemuxError> {
    let mut demuxer = Mp4FileDemuxer::new();
    demuxer.handle_input(Input { position: 0, data: file });
    let mut samples = Vec::new();
    while let Some(sample) = demuxer.next_sample()? {
        samples.push(Theirs::of(&sample));
    }
    Ok(samples)
}

fn fragmented(file: &[u8]) -> Result<Vec<Theirs>, DemuxError> {
    let mut demuxer = Fmp4FileDemuxer::new();
    let mut samples = Vec::new();
    loop {
        // It asks anew for each part of the file.
        while demuxer.required_input().is_some() {
            demuxer.handle_input(Input { position: 0, data: file });
        }
        match demuxer.next_sample() {
            Ok(Some(sample)) => samples.push(Theirs::of(&sample)),
            Ok(None) => return Ok(samples),
            Err(DemuxError::InputRequired(_)) => {}
            Err(error) => return Err(error),
        }
    }
}

fn compare(path: &Path, theirs: &[Theirs]) {
    let file = read(path);
    let ours = Ours::of_file(path);
    let numbers: BTreeSet<_> = theirs.iter().map(|sample| (sample.is_video, sample.number)).collect();
    let mut counts = [0u8; 2];
    for (is_video, number) in numbers {
        let count = &mut counts[usize::from(is_video)];
        let track = if is_video { TrackId::video(*count) } else { TrackId::audio(*count) };
        *count += 1;
        let theirs: Vec<_> = theirs.iter().filter(|sample| sample.number == number).collect();
        let ours: Vec<&Packet> = ours.packets_of(track);
        assert_eq!(ours.len(), theirs.len(), "{}: samples of {track}", name(path));
        let Some(start) = ours.first().map(|packet| packet.dts) else { continue };
        for (i, (ours, sample)) in ours.iter().zip(&theirs).enumerate() {
            let span = |ticks| MediaTime::from_ticks(ticks, sample.timescale) - MediaTime::default();
            let near = |ours: sailcast_media::Micros, theirs| (ours - theirs).abs().0 <= 1;
            let which = format!("{}: sample {i} of {track}", name(path));
            assert!(near(ours.dts - start, span(sample.dts - theirs[0].dts)), "{which}: {:?}", ours.dts);
            assert!(near(ours.pts - ours.dts, span(sample.composition)), "{which}: {:?}", ours.pts);
            assert_eq!(ours.keyframe, sample.keyframe, "{which}");
            assert_eq!(ours.data, file[sample.at..sample.at + sample.size], "{which}");
        }
    }
}

/// What it does not read, or reads otherwise.
const LEFT_OUT: [&str; 4] = [
    // A sample of G.711 is a byte.
    "whole-g711.mov",
    // It takes a file for whole or for fragmented.
    "fragments-behind.mp4",
    // Without the four bytes behind them, an av1C is too short for it.
    "fragments-av1-flac.mp4",
    // Offsets that count from the file it refuses.
    "fragments-offsets.mp4",
];

#[test]
fn fixtures_agree() {
    for path in mp4_fixtures().iter().filter(|path| !LEFT_OUT.contains(&name(path))) {
        let file = read(path);
        let samples = if name(path).starts_with("whole-") { whole(&file) } else { fragmented(&file) };
        compare(path, &samples.unwrap_or_else(|error| panic!("{}: {error}", name(path))));
    }
}
