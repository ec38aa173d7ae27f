//! Any split of the same bytes gives the same events.

mod common;

use common::{demux, demux_chunks, fixture, split};
use proptest::prelude::*;
use sailcast_media::DemuxEvent;

const FIXTURES: [&str; 4] = ["counter-av.flv", "counter-bframes.flv", "video-only.flv", "audio-only.flv"];

#[test]
fn real_streams_come_whole_and_without_complaint() {
    for name in FIXTURES {
        let (events, failed) = demux(&fixture(name));
        assert_eq!(failed, None, "{name}");
        let packets = events.iter().filter(|e| matches!(e, DemuxEvent::Packet(_))).count();
        let tracks = events.iter().filter(|e| matches!(e, DemuxEvent::Track(_))).count();
        assert!(packets > 100, "{name}: {packets} packets");
        let messages = events.iter().filter(|e| matches!(e, DemuxEvent::Metadata(_))).count();
        assert!((1..=2).contains(&messages), "{name}: onMetaData, and x264 telling of itself");
        assert_eq!(events.len(), packets + tracks + messages, "{name}: nothing was left out");
    }
}

#[test]
fn byte_by_byte_is_as_good_as_at_once() {
    let stream = fixture("counter-bframes.flv");
    assert_eq!(demux_chunks(split(&stream, &[1])), demux(&stream));
}

#[test]
fn a_tag_is_given_out_as_soon_as_it_is_whole() {
    let stream = common::stream(&[
        (sailcast_media::flv::TagKind::Audio, 0, common::AAC_CONFIG),
        (sailcast_media::flv::TagKind::Audio, 0, common::AAC_RAW),
    ]);
    let mut demuxer = sailcast_media::FlvDemuxer::new();
    use sailcast_media::Demuxer;
    demuxer.push(stream.slice(..stream.len() - 1));
    assert!(matches!(demuxer.poll(), Ok(Some(DemuxEvent::Track(_)))));
    assert_eq!(demuxer.poll(), Ok(None));
    demuxer.push(stream.slice(stream.len() - 1..));
    assert!(matches!(demuxer.poll(), Ok(Some(DemuxEvent::Packet(_)))));
}

proptest! {
    #![proptest_config(common::cases(24))]

    #[test]
    fn any_chunking_gives_the_same_events(
        which in 0..FIXTURES.len(),
        sizes in prop::collection::vec(prop_oneof![1usize..40, 1usize..5000, 5000usize..70_000], 1..20),
    ) {
        let stream = fixture(FIXTURES[which]);
        prop_assert_eq!(demux_chunks(split(&stream, &sizes)), demux(&stream));
    }
}
