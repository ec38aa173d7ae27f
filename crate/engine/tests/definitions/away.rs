//! Definitions while the viewer is away, pauses, or records.

use sailcast_engine::{Background, Container, Event, Input, PlayerConfig, State};
use sailcast_media::{CodecParams, DemuxEvent, Demuxer, FlvDemuxer, MediaKind, Packet, TrackInfo};

use crate::world::*;

#[test]
fn a_change_while_paused_shows_when_it_plays_again() {
    let mut sim = watching(Site::fast(60), at(400), Some(HIGH));
    sim.run_ms(4_000);
    sim.input(Input::Pause);
    sim.run_ms(200);
    let paused = sim.now;
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(3_000);
    assert_eq!(sim.shown.iter().filter(|(at, _)| *at > paused).count(), 0, "the picture stands");
    sim.input(Input::Play);
    sim.run_ms(2_000);
    assert_eq!(size(&sim), Some((640, 352)));
    missing(&sim, paused);
}

#[test]
fn a_page_that_was_put_away_comes_back_with_what_was_asked_for() {
    let config = PlayerConfig { background: Background::Suspend, ..at(400) };
    let mut sim = watching(Site::fast(60), config, Some(HIGH));
    sim.run_ms(4_000);
    sim.input(Input::SelectRendition(Some(MID)));
    sim.run_ms(20);
    sim.input(Input::Visible(false));
    sim.run_ms(1_000);
    assert_eq!(sim.requests.len(), sim.cancelled.len(), "nothing is received");
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(20_000);
    assert_eq!(sim.requests.len(), sim.cancelled.len());
    sim.input(Input::Visible(true));
    sim.run_ms(3_000);
    assert_eq!(sim.requests.last().map(|(_, url)| url.as_str()), Some("http://live/low.flv"));
    assert_eq!(size(&sim), Some((640, 352)));
    assert_eq!((sim.state(), sim.stats().rendition), (State::Playing, Some(LOW)));
}

#[test]
fn a_hidden_page_changes_too_and_its_sound_goes_on() {
    let mut sim = watching(Site::fast(60), at(400), Some(HIGH));
    sim.run_ms(4_000);
    sim.input(Input::Visible(false));
    sim.run_ms(1_000);
    let begin = sim.now;
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(5_000);
    assert_even_sound(&sim, begin, 12);
    sim.input(Input::Visible(true));
    sim.run_ms(2_500);
    assert_eq!(size(&sim), Some((640, 352)));
}

#[test]
fn a_recording_goes_on_at_a_keyframe_of_the_other_one_in_its_own_size() {
    let mut sim = watching(Site::fast(30), at(400), Some(HIGH));
    sim.run_ms(2_000);
    sim.input(Input::Record(Some(Container::Flv)));
    sim.run_ms(2_000);
    sim.input(Input::SelectRendition(Some(LOW)));
    sim.run_ms(6_000);
    sim.input(Input::Record(None));
    assert_eq!(sim.count(|e| matches!(e, Event::RecordingFailed(_))), 0);
    let mut demuxer = FlvDemuxer::new();
    demuxer.push(sim.recorded.concat().into());
    demuxer.finish();
    let events: Vec<_> = std::iter::from_fn(|| demuxer.poll().expect("an FLV file")).collect();
    let widths: Vec<u32> = events.iter().filter_map(width).collect();
    assert_eq!(widths, [1920, 640]);
    let pictures: Vec<_> = events.iter().filter_map(picture).collect();
    assert!(pictures.windows(2).all(|pair| pair[1].dts > pair[0].dts), "none twice");
    let length = pictures.last().expect("pictures").dts - pictures[0].dts;
    assert!(length > MS(5_500), "{length:?}");
}

fn width(event: &DemuxEvent) -> Option<u32> {
    match event {
        DemuxEvent::Track(TrackInfo { config, .. }) => match config.params {
            CodecParams::Video(video) => Some(video.width),
            CodecParams::Audio(_) => None,
        },
        _ => None,
    }
}

fn picture(event: &DemuxEvent) -> Option<&Packet> {
    match event {
        DemuxEvent::Packet(packet) if packet.track.kind == MediaKind::Video => Some(packet),
        _ => None,
    }
}
