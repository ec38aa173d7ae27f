//! Fragments in all the forms that writers give them.

mod common;

use common::{
    fixture,
    mp4::{
        BASE_IS_MOOF, aac_entry, av_movie, avc_entry, bx, demux, demux_chunks, full, idr, inter, moof, movie,
        packets, reasons, sound, times, tracks, traf, trak, trun,
    },
    skips,
};
use sailcast_media::{
    CodecParams, DemuxEvent, Demuxer, MediaKind, Message, Micros, Mp4Demuxer, SkipReason, TrackId,
};

const HAS_BASE: u32 = 1;

fn mdat(parts: &[Vec<u8>]) -> Vec<u8> {
    bx(b"mdat", &[&parts.concat()])
}

#[test]
fn tracks_of_a_fragment_come_in_the_order_of_the_file() {
    let fragment = moof(|at| {
        let sounds = trun(at + 300, &[(21, 20), (21, 30)]);
        [traf(1, Some(5000), &trun(at, &[(40, 100), (40, 200)])), traf(2, Some(4990), &sounds)].concat()
    });
    let data = mdat(&[idr(100), inter(200), sound(20), sound(30)]);
    let (events, failed) = demux(&[av_movie(), fragment, data].concat());
    assert_eq!((failed, skips(&events)), (None, vec![]));
    assert_eq!(times(&events, MediaKind::Video), [(5000, 5000, 100), (5040, 5040, 200)]);
    assert_eq!(times(&events, MediaKind::Audio), [(4990, 4990, 20), (5011, 5011, 30)]);
    let found = packets(&events);
    assert_eq!(found.iter().map(|p| p.data.len()).collect::<Vec<_>>(), [100, 200, 20, 30]);
    assert_eq!(found.iter().map(|p| p.keyframe).collect::<Vec<_>>(), [true, false, true, true]);
    assert_eq!(found[1].duration, Some(Micros::from_millis(40)));
}

#[test]
fn interleaved_runs_and_an_order_of_their_own_keep_each_tracks_order() {
    // The second run of the picture lies before its first one, the sound between them.
    let fragment = moof(|at| {
        let pictures = [trun(at + 220, &[(40, 100)]), trun(at, &[(40, 200)])].concat();
        [traf(1, Some(0), &pictures), traf(2, Some(0), &trun(at + 200, &[(21, 20)]))].concat()
    });
    let data = mdat(&[inter(200), sound(20), idr(100)]);
    let stream = [av_movie(), fragment, data].concat();
    let (events, _) = demux(&stream);
    assert_eq!(skips(&events), []);
    assert_eq!(times(&events, MediaKind::Video), [(0, 0, 100), (40, 40, 200)]);
    assert_eq!(times(&events, MediaKind::Audio), [(0, 0, 20)]);
    let bytes = stream.chunks(7).map(bytes::Bytes::copy_from_slice);
    assert_eq!(demux_chunks(bytes).0, events);
}

#[test]
fn what_a_fragment_leaves_out_is_taken_from_its_track() {
    let mvhd = full(b"mvhd", 0, 0, &[0; 25]);
    let trex = full(b"trex", 0, 0, &[1, 1, 40, 100, 0x1_0000]);
    let track = trak(1, b"vide", &avc_entry(), &[], &[]);
    let init = bx(b"moov", &[&mvhd, &track, &bx(b"mvex", &[&trex])]);
    let plain = moof(|at| {
        let tfhd = full(b"tfhd", 0, BASE_IS_MOOF, &[1]);
        bx(b"traf", &[&tfhd, &full(b"trun", 0, 1, &[2, at])])
    });
    // Duration and size of its own, and flags for the first sample; the second run goes on where the first ended.
    let own = moof(|at| {
        let tfhd = full(b"tfhd", 0, BASE_IS_MOOF | 0x2 | 0x8 | 0x10 | 0x20, &[1, 1, 20, 50, 0x1_0000]);
        let runs = [full(b"trun", 0, 0x5, &[1, at, 0]), full(b"trun", 0, 0x200, &[1, 60])];
        bx(b"traf", &[&tfhd, &runs.concat()])
    });
    let stream = [init, plain, mdat(&[idr(100), inter(100)]), own, mdat(&[idr(50), inter(60)])].concat();
    let (events, _) = demux(&stream);
    assert_eq!(skips(&events), []);
    // Without a time of its own a fragment begins where the one before ended.
    assert_eq!(times(&events, MediaKind::Video), [(0, 0, 100), (40, 40, 100), (80, 80, 50), (100, 100, 60)]);
}

#[test]
fn composition_offsets_may_be_negative_in_either_version() {
    for version in [0, 1] {
        let fragment = moof(|at| {
            let rows = [40, 100, 80, 40, 200, 40u32.wrapping_neg()];
            traf(1, Some(1000), &full(b"trun", version, 0xb01, &[&[2, at][..], &rows].concat()))
        });
        let (events, _) = demux(&[av_movie(), fragment, mdat(&[idr(100), inter(200)])].concat());
        assert_eq!(times(&events, MediaKind::Video), [(1000, 1080, 100), (1040, 1000, 200)]);
    }
    let negative = demux_chunks([fixture("fragments-negative.mp4")]).0;
    let positive = demux_chunks([fixture("fragments.mp4")]).0;
    let shown = |events: &[DemuxEvent]| {
        let mut shown: Vec<_> = times(events, MediaKind::Video).into_iter().map(|(_, pts, _)| pts).collect();
        shown.sort();
        shown.iter().map(|pts| pts - shown[0]).collect::<Vec<_>>()
    };
    assert_eq!(shown(&negative), shown(&positive));
    assert_eq!(times(&negative, MediaKind::Video)[0].1, 0, "nothing has to be shifted by an edit");
}

#[test]
fn decode_times_of_64_bits_do_not_drift() {
    let fragment = |time: u64| {
        moof(|at| {
            let tfdt = full(b"tfdt", 1, 0, &[(time >> 32) as u32, time as u32]);
            let tfhd = full(b"tfhd", 0, BASE_IS_MOOF, &[1]);
            bx(b"traf", &[&tfhd, &tfdt, &trun(at, &[(40, 100)])])
        })
    };
    let day: u64 = 400 * 24 * 3600 * 1000;
    let stream = [av_movie(), fragment(day), mdat(&[idr(100)]), fragment(7), mdat(&[idr(100)])].concat();
    let (events, _) = demux(&stream);
    assert_eq!(packets(&events)[0].dts.0, i64::try_from(day).unwrap() * 1000);
    assert_eq!(packets(&events)[1].dts.0, 7000, "times are the container's own");
}

#[test]
fn data_are_found_from_a_base_in_the_file_or_in_the_segment() {
    let based = |base: u64| {
        let high_low = [(base >> 32) as u32, base as u32];
        moof(|at| {
            let tfhd = full(b"tfhd", 0, HAS_BASE, &[1, high_low[0], high_low[1]]);
            bx(b"traf", &[&tfhd, &full(b"tfdt", 0, 0, &[0]), &trun(at, &[(40, 100)])])
        })
    };
    let init = av_movie();
    let in_file = init.len() as u64;
    // As it is; of a file whose beginning was not seen; of a segment that counts from itself, behind another one.
    for base in [in_file, 1 << 40, 0] {
        let (events, _) = demux(&[init.clone(), based(base), mdat(&[idr(100)])].concat());
        assert_eq!(times(&events, MediaKind::Video), [(0, 0, 100)], "{base}");
    }
    let styp = bx(b"styp", &[b"msdh\0\0\0\0msdh"]);
    let mut demuxer = Mp4Demuxer::new();
    let segment = [styp.clone(), based(styp.len() as u64), mdat(&[idr(100)])].concat();
    let mut seen = 0;
    for part in [init, segment.clone(), segment] {
        demuxer.push(part.into());
        while let Some(event) = demuxer.poll().unwrap() {
            seen += usize::from(matches!(event, DemuxEvent::Packet(_)));
        }
        demuxer.flush();
    }
    assert_eq!(seen, 2);
}

#[test]
fn tracks_without_a_base_follow_each_other() {
    let fragment = moof(|at| {
        let first = [full(b"tfhd", 0, 0, &[1]), trun(at, &[(40, 100)])].concat();
        let second = [full(b"tfhd", 0, 0, &[2]), full(b"trun", 0, 0x200, &[2, 20, 30])].concat();
        [bx(b"traf", &[&first]), bx(b"traf", &[&second])].concat()
    });
    let (events, _) = demux(&[av_movie(), fragment, mdat(&[idr(100), sound(20), sound(30)])].concat());
    assert_eq!(skips(&events), []);
    assert_eq!(times(&events, MediaKind::Audio).iter().map(|t| t.2).collect::<Vec<_>>(), [20, 30]);
}

#[test]
fn media_boxes_of_64_bits_and_of_no_size_are_read() {
    let fragment = || moof(|at| traf(1, None, &trun(at + 8, &[(40, 100)])));
    let long = [&[0, 0, 0, 1][..], b"mdat", &116u64.to_be_bytes(), &idr(100)].concat();
    let (events, _) = demux(&[av_movie(), fragment(), long.clone(), fragment(), long].concat());
    assert_eq!(times(&events, MediaKind::Video).len(), 2);
    // The size 0 ends with the stream; what comes behind it nevertheless is found.
    let fragment = || moof(|at| traf(1, None, &trun(at, &[(40, 100)])));
    let open = [&[0; 4][..], b"mdat", &idr(100)].concat();
    let (events, _) = demux(&[av_movie(), fragment(), open.clone(), fragment(), open].concat());
    assert_eq!((times(&events, MediaKind::Video).len(), skips(&events)), (2, vec![]));
}

#[test]
fn edits_move_a_track_on_the_presentation() {
    // Half a second of nothing, then the media from 80 ms on.
    let list = [2, 500, u32::MAX, 0x1_0000, 0, 80, 0x1_0000];
    let edts = bx(b"edts", &[&full(b"elst", 0, 0, &list)]);
    let init = movie(&[trak(1, b"vide", &avc_entry(), &edts, &[]), trak(2, b"soun", &aac_entry(), &[], &[])]);
    let fragment = moof(|at| {
        [traf(1, Some(0), &trun(at, &[(40, 100)])), traf(2, Some(0), &trun(at + 100, &[(21, 20)]))].concat()
    });
    let (events, _) = demux(&[init, fragment, mdat(&[idr(100), sound(20)])].concat());
    assert_eq!(times(&events, MediaKind::Video), [(420, 420, 100)]);
    assert_eq!(times(&events, MediaKind::Audio), [(0, 0, 20)]);
}

#[test]
fn a_movie_in_mid_stream_changes_the_tracks_that_are_others() {
    let fragment = |time| moof(move |at| traf(1, Some(time), &trun(at, &[(40, 100)])));
    let small = common::mp4::video_entry(b"vp08", &[]);
    let other = movie(&[trak(1, b"vide", &small, &[], &[]), trak(2, b"soun", &aac_entry(), &[], &[])]);
    let mut vp8 = vec![0; 100];
    vp8[..10].copy_from_slice(&[0x30, 0x81, 0, 0x9d, 1, 0x2a, 0x7e, 2, 0x66, 1]);
    let stream = [
        [av_movie(), fragment(0), mdat(&[idr(100)])].concat(),
        [av_movie(), fragment(40), mdat(&[inter(100)])].concat(),
        [other, fragment(80), mdat(&[vp8])].concat(),
    ];
    let (events, _) = demux(&stream.concat());
    assert_eq!(skips(&events), []);
    assert_eq!(times(&events, MediaKind::Video).len(), 3);
    let told: Vec<_> =
        tracks(&events).iter().map(|t| (t.id.to_string(), t.config.codec_string.clone())).collect();
    let expected = [("video 0", "avc1.64001e"), ("audio 0", "mp4a.40.2"), ("video 0", "vp8")];
    assert_eq!(told, expected.map(|(id, codec)| (id.to_owned(), codec.to_owned())));
    let CodecParams::Video(video) = tracks(&events)[2].config.params else { panic!("video") };
    assert_eq!((video.width, video.height), (638, 358));
}

#[test]
fn samples_may_change_their_entry() {
    let entries = [avc_entry(), common::mp4::video_entry(b"vp08", &[])].concat();
    let init = movie(&[trak(1, b"vide", &entries, &[], &[])]);
    let of_entry = |entry: u32| {
        moof(move |at| {
            let tfhd = full(b"tfhd", 0, BASE_IS_MOOF | 2, &[1, entry]);
            bx(b"traf", &[&tfhd, &trun(at, &[(40, 100)])])
        })
    };
    let mut vp8 = vec![0; 100];
    vp8[..10].copy_from_slice(&[0x30, 0x81, 0, 0x9d, 1, 0x2a, 0x7e, 2, 0x66, 1]);
    let stream =
        [init, of_entry(1), mdat(&[idr(100)]), of_entry(2), mdat(&[vp8]), of_entry(1), mdat(&[idr(100)])];
    let (events, _) = demux(&stream.concat());
    let told: Vec<_> = tracks(&events).into_iter().map(|track| track.config.codec_string).collect();
    assert_eq!(told, ["avc1.64001e", "vp8", "avc1.64001e"]);
    assert_eq!(times(&events, MediaKind::Video).len(), 3);
}

#[test]
fn samples_of_an_entry_that_is_not_read_are_told_of_once() {
    let entries = [avc_entry(), common::mp4::video_entry(b"encv", &[])].concat();
    let init = movie(&[trak(1, b"vide", &entries, &[], &[])]);
    let of_entry = |entry: u32| {
        moof(move |at| {
            let tfhd = full(b"tfhd", 0, BASE_IS_MOOF | 2, &[1, entry]);
            bx(b"traf", &[&tfhd, &trun(at, &[(40, 100), (40, 100)])])
        })
    };
    let clear = || [of_entry(1), mdat(&[idr(100), inter(100)])].concat();
    let secret = [of_entry(2), mdat(&[idr(100), inter(100)])].concat();
    let (events, _) = demux(&[init, clear(), secret, clear()].concat());
    assert_eq!(reasons(&events), [SkipReason::Encrypted]);
    let shown: Vec<_> = times(&events, MediaKind::Video).into_iter().map(|(dts, ..)| dts).collect();
    assert_eq!(shown, [0, 40, 160, 200]);
}

fn emsg_1(time: u64) -> Vec<u8> {
    let head = full(b"emsg", 1, 0, &[1000, (time >> 32) as u32, time as u32, 250, 9]);
    bx(b"emsg", &[&head[8..], b"urn:x\0v\0payload"])
}

fn emsg_0(delta: u32) -> Vec<u8> {
    let numbers: Vec<u8> = [1000, delta, u32::MAX, 9].iter().flat_map(|n: &u32| n.to_be_bytes()).collect();
    bx(b"emsg", &[&[0; 4], b"urn:x\0v\0", &numbers, b"payload"])
}

#[test]
fn event_messages_stand_on_the_timeline() {
    let fragment = moof(|at| traf(1, Some(5000), &trun(at, &[(40, 100)])));
    let stream = [av_movie(), emsg_1(7000), emsg_0(300), fragment, mdat(&[idr(100)])].concat();
    let (events, _) = demux(&stream);
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            DemuxEvent::Metadata(metadata) => match &metadata.message {
                Message::Emsg { scheme, value, id, duration, payload } => {
                    assert_eq!((scheme.as_str(), value.as_str(), *id), ("urn:x", "v", 9));
                    assert_eq!(&payload[..], b"payload");
                    Some((metadata.time.0 / 1000, *duration))
                }
                _ => None,
            },
            _ => None,
        })
        .collect();
    // The second one counts from the first picture of its segment, and says that its end is not known.
    assert_eq!(told, [(7000, Some(Micros::from_millis(250))), (5300, None)]);
}

#[test]
fn the_producers_clock_is_told_with_the_time_it_is_of() {
    let events = demux_chunks([fixture("fragments-prft.mp4")]).0;
    let told: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            DemuxEvent::Metadata(m) => match m.message {
                Message::ProducerTime { unix } => Some((m.track, m.time.0, unix.0)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 6, "one for each fragment");
    for (track, time, unix) in told {
        assert_eq!(track, Some(TrackId::video(0)));
        assert!((time - unix).abs() <= 1, "the writer's clock was the timestamp: {time} {unix}");
    }
}

#[test]
fn a_fragment_before_any_movie_is_left_out() {
    let fragment = moof(|at| traf(1, Some(0), &trun(at, &[(40, 100)])));
    let data = mdat(&[idr(100)]);
    let (lost, init) = (fragment.len() as u64, data.len() as u64);
    let stream = [fragment.clone(), data.clone(), av_movie(), fragment, data].concat();
    let (events, _) = demux(&stream);
    assert_eq!(skips(&events), [(0, lost, SkipReason::NoConfig), (lost, init, SkipReason::NoConfig)]);
    assert_eq!(times(&events, MediaKind::Video).len(), 1);
}

#[test]
fn samples_whose_bytes_have_passed_are_told_of_and_the_rest_goes_on() {
    // The sound's data are said to lie before the fragment.
    let fragment = moof(|at| {
        let early = full(b"trun", 0, 0x301, &[1, 20u32.wrapping_neg(), 21, 20]);
        [traf(1, Some(0), &trun(at, &[(40, 100)])), traf(2, Some(0), &early)].concat()
    });
    let (events, _) = demux(&[av_movie(), fragment, mdat(&[idr(100)])].concat());
    assert_eq!(reasons(&events), [SkipReason::BadPacket]);
    assert_eq!(times(&events, MediaKind::Video), [(0, 0, 100)]);
}
