//! Our packets of whole files equal the samples of the `mp4` crate. It reads fragmented files wrongly and hangs on hostile ones, so it
//! is given good ones only.

mod common;

use std::io::Cursor;

use common::{Ours, mp4_fixtures, name, read};
use mp4::{Mp4Reader, TrackType};
use sailcast_media::{MediaTime, TrackId};

#[test]
fn whole_files_of_h264_and_aac_agree() {
    for wanted in ["whole-first.mp4", "whole-last.mp4"] {
        let path = mp4_fixtures().into_iter().find(|path| name(path) == wanted).expect("the fixture");
        let (file, ours) = (read(&path), Ours::of_file(&path));
        let size = file.len() as u64;
        let mut theirs = Mp4Reader::read_header(Cursor::new(&file[..]), size).expect("a file it can read");
        let tracks: Vec<_> =
            theirs.tracks().iter().map(|(id, t)| (*id, t.track_type(), t.timescale())).collect();
        assert_eq!(tracks.len(), 2);
        for (number, kind, timescale) in tracks {
            let id = if kind.ok() == Some(TrackType::Video) { TrackId::video(0) } else { TrackId::audio(0) };
            let packets = ours.packets_of(id);
            assert_eq!(
                theirs.sample_count(number).expect("a count") as usize,
                packets.len(),
                "{wanted} {id}"
            );
            for (i, packet) in packets.iter().enumerate() {
                let sample = theirs.read_sample(number, i as u32 + 1).expect("a sample").expect("a sample");
                assert_eq!(packet.data, sample.bytes, "{wanted}: sample {i} of {id}");
                assert_eq!(packet.keyframe, sample.is_sync, "{wanted}: sample {i} of {id}");
                let span = |ticks| MediaTime::from_ticks(ticks, timescale) - MediaTime::default();
                let start = i64::try_from(sample.start_time).expect("a time");
                assert!(((packet.dts - packets[0].dts) - span(start)).abs().0 <= 1, "{wanted} {id} {i}");
                let composition = span(sample.rendering_offset.into());
                assert!(((packet.pts - packet.dts) - composition).abs().0 <= 1, "{wanted} {id} {i}");
            }
        }
    }
}
