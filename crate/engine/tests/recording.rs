//! What is played, recorded: where a file begins, what is in it, and what happens to it when the stream is not one piece.

use bytes::{Buf, Bytes};
use sailcast_engine::{Container, Event, Input, IoError, IoEvent, LatencyTarget, State};
use sailcast_media::{DemuxEvent, Demuxer, FlvDemuxer, MediaKind, MediaTime, Micros, Packet, TrackId};
use sailcast_sim::{
    Sim, config,
    feed::{self, Network},
    files::FileServer,
    load,
    origin::{self, BASE, Origin, Packager, Sound},
    recording::Recording,
    synth::{self, Synth},
};

const MS: fn(i64) -> Micros = Micros::from_millis;
const AAC: f64 = 1024.0 / 0.048;
const LOST: IoEvent = IoEvent::Failed(IoError::Lost);

fn demuxed(flv: Bytes) -> Vec<DemuxEvent> {
    let mut demuxer = FlvDemuxer::new();
    demuxer.push(flv);
    demuxer.finish();
    std::iter::from_fn(|| demuxer.poll().expect("an FLV file")).collect()
}

fn packets(events: &[DemuxEvent], kind: MediaKind) -> Vec<&Packet> {
    let all =
        events.iter().filter_map(|e| if let DemuxEvent::Packet(packet) = e { Some(packet) } else { None });
    all.filter(|packet| packet.track.kind == kind).collect()
}

/// The file that came out, which is complete.
fn file(sim: &Sim) -> Bytes {
    let (last, pieces) = sim.recorded.split_last().expect("a recording");
    assert!(last.is_empty(), "the recording is complete");
    assert!(pieces.iter().all(|piece| !piece.is_empty()));
    pieces.concat().into()
}

fn failures(sim: &Sim) -> Vec<&str> {
    let events = sim.events.iter().map(|(_, event)| event);
    events
        .filter_map(|e| if let Event::RecordingFailed(why) = e { Some(why.as_str()) } else { None })
        .collect()
}

fn record(sim: &mut Sim, container: Container, from_ms: i64, length_ms: i64) {
    sim.sound_on(48_000, 20);
    sim.run_ms(from_ms);
    sim.input(Input::Record(Some(container)));
    sim.run_ms(length_ms);
    sim.input(Input::Record(None));
}

/// Where the packets of the file are in the fixture: a run without a hole.
fn run_in<'a>(seen: &[&Packet], source: &[&'a Packet]) -> Vec<&'a Packet> {
    let first = source.iter().position(|packet| packet.data == seen[0].data).expect("of the fixture");
    let run = source[first..].iter().take(seen.len()).copied().collect::<Vec<_>>();
    assert!(seen.iter().zip(&run).all(|(seen, of)| seen.data == of.data), "each once and in order");
    run
}

#[test]
fn a_recording_is_what_came_from_the_next_keyframe_on() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 20));
    record(&mut sim, Container::Flv, 1_500, 4_000);
    let (seen, source) = (demuxed(file(&sim)), demuxed(feed::fixture("counter-av.flv")));
    let pictures = packets(&seen, MediaKind::Video);
    let run = run_in(&pictures, &packets(&source, MediaKind::Video));
    assert_eq!((pictures[0].dts.0, pictures[0].keyframe), (0, true));
    let sound = packets(&seen, MediaKind::Audio);
    let heard = run_in(&sound, &packets(&source, MediaKind::Audio));
    for (packet, of) in pictures.iter().zip(&run).chain(sound.iter().zip(&heard)) {
        assert!((packet.pts - of.pts - (pictures[0].pts - run[0].pts)).abs() <= MS(1), "{packet:?}");
    }
    let length = pictures.last().unwrap().dts - pictures[0].dts;
    assert!(length > MS(2_000) && length < MS(4_000), "{length:?}");
    assert!(failures(&sim).is_empty());
}

/// Names and contents of boxes in a row.
fn boxes(mut bytes: Bytes) -> Vec<(Bytes, Bytes)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let mut whole = bytes.split_to((&bytes[..]).get_u32() as usize);
        whole.advance(4);
        found.push((whole.split_to(4), whole));
    }
    found
}

#[test]
fn mp4_comes_in_pieces_of_a_second_and_ends_with_its_index() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 20));
    record(&mut sim, Container::Mp4, 1_500, 5_000);
    assert!((4..=7).contains(&sim.recorded.len()), "{} pieces", sim.recorded.len());
    let boxes = boxes(file(&sim));
    let names: Vec<_> = boxes.iter().map(|(name, _)| &name[..]).collect();
    assert_eq!(names[..4], [&b"ftyp"[..], b"moov", b"moof", b"mdat"]);
    assert_eq!(names[names.len() - 2..], [&b"mdat"[..], b"mfra"]);
    let source = demuxed(feed::fixture("counter-av.flv"));
    let mdat = boxes.iter().find(|(name, _)| &name[..] == b"mdat").unwrap().1.clone();
    let source = packets(&source, MediaKind::Video);
    let mut keyframes = source.iter().filter(|packet| packet.keyframe);
    assert!(keyframes.any(|keyframe| mdat.starts_with(&keyframe.data)));
}

#[test]
fn a_connection_that_takes_over_leaves_no_hole_and_nothing_twice() {
    let mut first = feed::live("counter-av.flv", 2_000, 20);
    first.deliveries.truncate(200);
    let mut sim = Sim::playing(400, vec![first.then(LOST), feed::live("counter-av.flv", 5_000, 20)]);
    record(&mut sim, Container::Flv, 1_000, 6_000);
    assert_eq!(sim.stats().reconnects, 1);
    let (seen, source) = (demuxed(file(&sim)), demuxed(feed::fixture("counter-av.flv")));
    let pictures = packets(&seen, MediaKind::Video);
    assert!(pictures.len() > 120, "{} pictures", pictures.len());
    run_in(&pictures, &packets(&source, MediaKind::Video));
    run_in(&packets(&seen, MediaKind::Audio), &packets(&source, MediaKind::Audio));
}

#[test]
fn time_without_a_connection_is_not_in_the_file() {
    let stream = |from: i64, to: i64| {
        Synth::default()
            .track(from, synth::avc(0, 640, 480))
            .track(from, synth::aac(0, 48_000, 2))
            .packets(synth::pictures(0, from, to, 25))
            .packets(synth::sound(0, from, to, AAC, &[0x21; 100]))
            .live(from)
    };
    let mut first = stream(0, 4_000);
    first.deliveries.pop();
    let away = vec![Network::refused(); 2];
    let servers = [vec![first.then(LOST)], away, vec![stream(9_000, 20_000)]].concat();
    let mut sim = Sim::playing(300, servers);
    record(&mut sim, Container::Flv, 500, 12_000);
    let seen = demuxed(file(&sim));
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let times: Vec<_> = packets(&seen, kind).iter().map(|packet| packet.dts).collect();
        let steps = || times.windows(2).map(|w| w[1] - w[0]);
        assert!(steps().all(|step| step > Micros(0) && step < MS(200)), "{kind:?}: {:?}", steps().max());
        assert!(*times.last().unwrap() - times[0] > MS(4_000), "{kind:?}: {times:?} {:?}", sim.events);
    }
    let end = |kind| packets(&seen, kind).last().unwrap().dts;
    assert!((end(MediaKind::Video) - end(MediaKind::Audio)).abs() < MS(100));
}

fn sized_anew() -> Network {
    Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::aac(0, 48_000, 2))
        .packets(synth::pictures(0, 0, 4_000, 25))
        .packets(synth::sound(0, 0, 9_000, AAC, &[0x21; 100]))
        .track(4_000, synth::avc(0, 1280, 720))
        .packets(synth::pictures(0, 4_000, 9_000, 25))
        .live(500)
}

#[test]
fn flv_goes_on_with_another_size() {
    let mut sim = Sim::playing(300, sized_anew());
    record(&mut sim, Container::Flv, 500, 6_000);
    let seen = demuxed(file(&sim));
    let is_video =
        |event: &&DemuxEvent| matches!(event, DemuxEvent::Track(t) if t.kind() == MediaKind::Video);
    assert_eq!(seen.iter().filter(is_video).count(), 2);
    assert!(packets(&seen, MediaKind::Video).last().unwrap().dts.0 > 5_000_000);
}

#[test]
fn mp4_ends_before_another_size_and_says_why() {
    let mut sim = Sim::playing(300, sized_anew());
    record(&mut sim, Container::Mp4, 500, 6_000);
    assert_eq!(boxes(file(&sim)).last().unwrap().0, b"mfra"[..]);
    assert_eq!(failures(&sim).len(), 1);
    assert!(failures(&sim)[0].contains("configuration of video 0 has changed"), "{:?}", failures(&sim));
    assert_eq!(sim.recorded.iter().filter(|piece| piece.is_empty()).count(), 1, "complete once");
    assert_eq!(sim.state(), State::Playing);
}

#[test]
fn only_the_track_that_is_played_is_recorded() {
    let network = Synth::default()
        .track(0, synth::avc(0, 640, 480))
        .track(0, synth::avc(1, 1280, 720))
        .packets(synth::pictures(0, 0, 9_000, 25))
        .packets(synth::pictures(1, 0, 9_000, 25))
        .live(500);
    let mut sim = Sim::playing(300, network);
    sim.input(Input::SelectTrack(TrackId::video(1)));
    record(&mut sim, Container::Flv, 3_000, 4_000);
    let seen = demuxed(file(&sim));
    let tracks: Vec<_> =
        seen.iter().filter_map(|e| if let DemuxEvent::Track(t) = e { Some(t) } else { None }).collect();
    assert_eq!(tracks.len(), 1);
    assert_eq!(tracks[0].config.description, synth::avc(1, 1280, 720).config.description);
    let times: Vec<_> = packets(&seen, MediaKind::Video).iter().map(|packet| packet.dts).collect();
    assert!(times.windows(2).all(|w| w[1] - w[0] == MS(40)), "{times:?}");
}

#[test]
fn sound_alone_is_recorded_too() {
    for container in [Container::Flv, Container::Mp4] {
        let mut sim = Sim::playing(400, feed::live("audio-only.flv", 1_000, 20));
        record(&mut sim, container, 500, 5_000);
        assert!(file(&sim).len() > 3_000, "{container:?}: {} bytes", file(&sim).len());
    }
}

#[test]
fn the_end_of_the_stream_and_another_load_complete_it() {
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 6_000, 20));
    sim.sound_on(48_000, 20);
    sim.input(Input::Record(Some(Container::Mp4)));
    sim.run_ms(30_000);
    assert_eq!(sim.state(), State::Ended);
    assert_eq!(boxes(file(&sim)).last().unwrap().0, b"mfra"[..]);
    let mut sim = Sim::playing(400, vec![feed::live("counter-av.flv", 2_000, 20); 2]);
    sim.input(Input::Record(Some(Container::Mp4)));
    sim.run_ms(3_000);
    sim.input(load("http://live/other.flv"));
    assert_eq!(boxes(file(&sim)).last().unwrap().0, b"mfra"[..]);
    sim.run_ms(3_000);
    assert!(failures(&sim).is_empty(), "it was not asked for again");
}

#[test]
fn a_film_that_was_played_to_its_end_is_complete_with_its_last_picture() {
    let film = Recording { seconds: 8, ..Recording::default() };
    let mut sim = Sim::playing(400, FileServer::new(film.flv()));
    sim.sound_on(48_000, 20);
    sim.run_ms(3_000);
    sim.input(Input::Record(Some(Container::Flv)));
    sim.run_ms(8_000);
    assert_eq!(sim.state(), State::Ended);
    let seen = demuxed(file(&sim));
    let pictures = packets(&seen, MediaKind::Video);
    let length = pictures.last().unwrap().dts - pictures[0].dts;
    assert!(length >= MS(3_960), "{length:?}");
    sim.input(Input::Play);
    sim.run_ms(2_000);
    file(&sim);
    assert!(failures(&sim).is_empty());
}

#[test]
fn where_nothing_plays_there_is_nothing_to_record() {
    let mut sim = Sim::new(400, Network::refused());
    sim.input(Input::Record(Some(Container::Flv)));
    assert_eq!((failures(&sim).len(), sim.recorded.len()), (1, 1));
    let mut sim = Sim::playing(400, feed::live("counter-av.flv", 2_000, 20));
    sim.input(Input::Record(Some(Container::Flv)));
    sim.input(Input::Record(None));
    assert_eq!((failures(&sim).len(), sim.recorded.len()), (0, 1), "asked for, and ended before it began");
}

#[test]
fn of_a_file_there_is_what_was_played_with_no_gap_where_it_was_sought() {
    let film = Recording { seconds: 300, ..Recording::default() };
    // Far away, back, and a little further on, which is here.
    for to in [250_500, 1_000, 110_000] {
        let mut sim = Sim::playing(400, FileServer::new(film.flv()));
        sim.input(Input::Seek { to: MediaTime::from_millis(100_000), exact: true });
        sim.run_ms(1_500);
        sim.input(Input::Record(Some(Container::Flv)));
        sim.run_ms(4_000);
        sim.input(Input::Seek { to: MediaTime::from_millis(to), exact: true });
        sim.run_ms(4_000);
        sim.input(Input::Record(None));
        assert_eq!((sim.state(), failures(&sim).len()), (State::Playing, 0));
        let seen = demuxed(file(&sim));
        let end = |kind| packets(&seen, kind).last().unwrap().dts - packets(&seen, kind)[0].dts;
        // From a keyframe on, twice.
        for length in [end(MediaKind::Video), end(MediaKind::Audio)] {
            assert!(length > MS(5_500) && length < MS(10_000), "to {to}: {length:?}");
        }
        let longest = |kind| {
            let times: Vec<_> = packets(&seen, kind).iter().map(|packet| packet.dts).collect();
            times.windows(2).map(|w| w[1] - w[0]).max().unwrap()
        };
        // The sound before the place is not there, as it is not played.
        assert!(longest(MediaKind::Video) < MS(100) && longest(MediaKind::Audio) < MS(2_000), "to {to}");
    }
}

fn hls(packager: Packager, list: &str) -> Sim {
    let mut sim = Sim::with(config(LatencyTarget::AUTO), Origin::new(packager).bandwidth(20e6));
    sim.input(load(&format!("{BASE}{list}")));
    sim.input(Input::Play);
    sim.sound_on(48_000, 20);
    sim
}

fn longest_step(events: &[DemuxEvent], kind: MediaKind) -> Micros {
    let times: Vec<_> = packets(events, kind).iter().map(|packet| packet.dts).collect();
    times.windows(2).map(|w| w[1] - w[0]).max().expect("packets")
}

#[test]
fn of_hls_with_sound_of_its_own_there_is_what_was_played_in_order() {
    for to in [None, Some(150_500)] {
        let packager =
            Packager { container: origin::Container::Mp4, sound: Sound::Apart, ..Packager::vod(100) };
        let mut sim = hls(packager, "master.m3u8");
        sim.input(Input::Record(Some(Container::Flv)));
        sim.run_ms(6_000);
        if let Some(to) = to {
            sim.input(Input::Seek { to: MediaTime::from_millis(to), exact: false });
        }
        sim.run_ms(6_000);
        sim.input(Input::Record(None));
        let seen = demuxed(file(&sim));
        let (video, audio) = (packets(&seen, MediaKind::Video), packets(&seen, MediaKind::Audio));
        for track in [&video, &audio] {
            assert!((MediaTime(0)..MediaTime(100_000)).contains(&track[0].dts), "{to:?}: {:?}", track[0].dts);
            let end = track.last().unwrap().dts.0;
            assert!((9_000_000..13_000_000).contains(&end), "{to:?}: {end}");
        }
        let longest = [MediaKind::Video, MediaKind::Audio].map(|kind| longest_step(&seen, kind));
        assert!(longest.iter().all(|step| *step < MS(200)), "{to:?}: {longest:?}");
    }
}

#[test]
fn another_rendition_goes_on_in_the_file_without_a_hole() {
    let mut sim = hls(Packager::vod(100).with_qualities(), "master.m3u8");
    sim.input(Input::SelectRendition(Some(0)));
    sim.run_ms(4_000);
    sim.input(Input::Record(Some(Container::Flv)));
    sim.run_ms(3_000);
    sim.input(Input::SelectRendition(Some(2)));
    sim.run_ms(30_000);
    sim.input(Input::Record(None));
    let seen = demuxed(file(&sim));
    let is_video =
        |event: &&DemuxEvent| matches!(event, DemuxEvent::Track(t) if t.kind() == MediaKind::Video);
    assert_eq!(seen.iter().filter(is_video).count(), 2, "both sizes are in the file");
    for kind in [MediaKind::Video, MediaKind::Audio] {
        assert!(longest_step(&seen, kind) < MS(100), "{kind:?}: {:?}", longest_step(&seen, kind));
    }
}
