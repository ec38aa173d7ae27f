use sailcast_engine::{ErrorCode, feed::Paced};
use sailcast_sim::origin::{Container, Fault, Origin, Packager, Sound};

use crate::{MASTER, MEDIA, rig::Rig};

#[test]
fn keys_change_from_segment_to_segment_and_each_is_fetched_once() {
    for (container, part) in
        [(Container::Ts, None), (Container::Mp4, None), (Container::Mp4, Packager::low_latency().part)]
    {
        let packager =
            Packager { key_every: Some(3), container, part, sound: Sound::Apart, ..Packager::live() };
        let mut rig = Rig::new(Origin::new(packager), MASTER);
        rig.run(30_000);
        rig.assert_seamless();
        assert_eq!(rig.errors().len(), 0, "{:?}", rig.errors());
        let keys = rig.count("/key");
        assert!((5..8).contains(&keys), "{keys}");
        rig.close();
    }
}

#[test]
fn a_key_that_cannot_be_had_is_an_error() {
    for fault in
        [Fault::Status(403), Fault::Body("too short".into()), Fault::Body("<html>no key for you".into())]
    {
        let origin = Origin::new(Packager { key_every: Some(3), ..Packager::live() });
        let origin = origin.fault(move |request, _| request.url.contains("/key").then_some(fault.clone()));
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(20_000);
        assert_eq!(rig.fatal(), Some(ErrorCode::KeyUnavailable));
        assert_eq!(rig.packets.len(), 0);
        rig.close();
    }
}

#[test]
fn a_server_of_keys_that_fails_for_a_while_is_waited_for() {
    for fault in [Fault::Status(503), Fault::Status(403), Fault::Refused, Fault::Silence] {
        let packager = Packager { key_every: Some(2), ..Packager::vod(60) };
        let mut down = false;
        let lost = fault.clone();
        let origin = Origin::new(packager).fault(move |request, now| {
            down |= request.url.contains("/key14");
            let fails = request.url.contains("/key") && down && now.0 < 80_000_000;
            fails.then(|| lost.clone())
        });
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(150_000);
        assert_eq!(rig.fatal(), None, "{fault:?}");
        rig.assert_seamless();
        assert!(rig.numbers().len() > 40 * 50, "{fault:?}: {}", rig.numbers().len());
        assert!(rig.warnings().is_empty(), "{fault:?}: {:?}", rig.errors());
        rig.close();
    }
}

#[test]
fn a_key_that_never_comes_is_an_error_when_the_tries_are_used_up() {
    for fault in [Fault::Status(503), Fault::Silence] {
        let origin = Origin::new(Packager { key_every: Some(2), ..Packager::live() });
        let lost = fault.clone();
        let origin = origin.fault(move |request, now| {
            (request.url.contains("/key") && now.0 > 20_000_000).then(|| lost.clone())
        });
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(80_000);
        assert_eq!(rig.fatal(), None, "{fault:?}");
        rig.run(600_000);
        assert_eq!(rig.fatal(), Some(ErrorCode::KeyUnavailable), "{fault:?}");
        rig.close();
    }
}

#[test]
fn a_wrong_key_is_told_as_such() {
    let origin = Origin::new(Packager { key_every: Some(1000), ..Packager::live() });
    let origin = origin
        .fault(|request, _| request.url.contains("/key").then_some(Fault::Body("sixteen bytes...".into())));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(30_000);
    assert!(
        matches!(rig.fatal(), Some(ErrorCode::DecryptFailed | ErrorCode::FormatUnrecognised)),
        "{:?}",
        rig.fatal()
    );
    assert_eq!(rig.packets.len(), 0);
    rig.close();
}

#[test]
fn other_encryption_is_named_and_not_tried() {
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",\
                KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:2,\nv0/s1.ts\n#EXT-X-ENDLIST\n";
    let origin = Origin::new(Packager::live());
    let origin = origin.fault(|request, _| (request.url == MEDIA).then_some(Fault::Body(list.into())));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(5000);
    assert_eq!(rig.fatal(), Some(ErrorCode::EncryptionUnsupported));
    assert!(rig.hls.error().expect("one").what.contains("SAMPLE-AES"));
    rig.close();
}
