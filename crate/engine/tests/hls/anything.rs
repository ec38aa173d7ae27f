//! Whatever happens, and whatever comes: no panic, no livelock, no request that nobody ends.

use bytes::Bytes;
use proptest::prelude::*;
use sailcast_engine::{Load, feed::Paced};
use sailcast_media::Micros;
use sailcast_sim::origin::{Container, Fault, Origin, Packager, Sound};

use crate::{MASTER, rig::Rig};

#[derive(Clone, Debug)]
enum Deed {
    Run(i64),
    Seek(i64),
    Select(Option<u32>),
    Sound(u8),
    Pause(bool),
    Online(bool),
    Suspend,
    Wake,
    Suspect,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..8000i64).prop_map(Deed::Run),
        1 => (-5000..130_000i64).prop_map(Deed::Seek),
        1 => prop::option::of(0..4u32).prop_map(Deed::Select),
        1 => (0..4u8).prop_map(Deed::Sound),
        1 => any::<bool>().prop_map(Deed::Pause),
        1 => any::<bool>().prop_map(Deed::Online),
        1 => Just(Deed::Suspend),
        1 => Just(Deed::Wake),
        1 => Just(Deed::Suspect),
    ]
}

fn packager() -> impl Strategy<Value = Packager> {
    let sound = prop_oneof![Just(Sound::Muxed), Just(Sound::Apart), Just(Sound::Packed)];
    let container = prop_oneof![Just(Container::Ts), Just(Container::Mp4)];
    let first = (sound, container, any::<[bool; 8]>(), prop::option::of(50..60u64));
    first.prop_map(|(sound, container, [low, live, ranges, keys, dates, delta, dubs, groups], restart)| {
        let base = if live { Packager::live() } else { Packager::vod(60) };
        Packager {
            sound,
            container,
            dubs: if dubs { vec!["fr", "de"] } else { Vec::new() },
            groups,
            part: if low { Packager::low_latency().part } else { None },
            part_ranges: ranges,
            key_every: keys.then_some(2),
            dates,
            delta,
            restart: restart.filter(|_| live),
            discontinuities: vec![53],
            gaps: vec![56],
            ..base.with_qualities()
        }
    })
}

fn fault() -> impl Strategy<Value = Option<Fault>> {
    prop_oneof![
        20 => Just(None),
        1 => prop_oneof![Just(404u16), Just(403), Just(500), Just(429)].prop_map(|s| Some(Fault::Status(s))),
        1 => Just(Some(Fault::Refused)),
        1 => (0..200_000usize).prop_map(|n| Some(Fault::LostAfter(n))),
        1 => (0..200_000usize).prop_map(|n| Some(Fault::EndsAfter(n))),
        1 => Just(Some(Fault::Silence)),
        1 => Just(Some(Fault::NoRanges)),
        1 => Just(Some(Fault::IgnoresDirectives)),
        1 => prop::collection::vec(any::<u8>(), 0..400).prop_map(|b| Some(Fault::Body(Bytes::from(b)))),
        1 => "(#EXTM3U\n|#EXT-X-TARGETDURATION:0\n|#EXTINF:0,\na.ts\n|#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n|#EXT-X-ENDLIST\n|#EXT-X-DISCONTINUITY\n){1,8}"
            .prop_map(|text| Some(Fault::Body(text.into()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn nothing_panics_hangs_or_leaks(
        packager in packager(),
        faults in prop::collection::vec(fault(), 1..60),
        deeds in prop::collection::vec(deed(), 1..14),
        bandwidth in 0.3e6..30e6f64,
        rendition in prop::option::of(0..3u32),
        start in prop::option::of(-1000..200_000i64),
        resolve in any::<bool>(),
    ) {
        let mut n = 0;
        let origin = Origin::new(packager).bandwidth(bandwidth).fault(move |_, _| {
            n += 1;
            faults[n % faults.len()].clone()
        });
        let lines = vec![MASTER.to_owned(), "http://origin/v1.m3u8".to_owned()];
        let start = start.map(|ms| sailcast_media::MediaTime(0) + Micros::from_millis(ms));
        let mut rig = Rig::with(origin, Load { lines, resolve, rendition, start, ..Load::default() });
        rig.is_lenient = true;
        for deed in deeds {
            match deed {
                Deed::Run(ms) => rig.run(ms),
                Deed::Seek(ms) => rig.seek(ms),
                Deed::Select(rendition) => rig.act(|hls, now, out| hls.select(rendition, now, out)),
                Deed::Sound(number) => rig.act(|hls, now, out| hls.select_sound(number, now, out)),
                Deed::Pause(paused) => rig.paused = paused,
                Deed::Online(online) => rig.act(|hls, now, out| hls.set_online(online, now, out)),
                Deed::Suspend => rig.act(|hls, _, out| hls.suspend(out)),
                Deed::Wake => rig.act(|hls, now, out| hls.wake(now, out)),
                Deed::Suspect => rig.act(|hls, now, _| hls.suspect(now)),
            }
        }
        rig.run(5000);
        // At most two playlists, a change's, a piece and its map for each of two lanes and of another sound's, its playlist, and a key.
        prop_assert!(rig.open.len() <= 11, "{} open requests", rig.open.len());
        rig.twice.clear();
        rig.close();
        let asked = rig.asked.len();
        rig.run(20_000);
        prop_assert_eq!(rig.asked.len(), asked, "nothing is asked for after the end");
    }
}
