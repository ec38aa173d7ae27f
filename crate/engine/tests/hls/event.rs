use sailcast_engine::feed::Paced;
use sailcast_media::{MediaTime, Micros};
use sailcast_sim::origin::{Origin, Packager};

use crate::{MEDIA, rig::Rig};

/// Being made until 25 s from now, and kept from its beginning.
fn event() -> Packager {
    Packager { window: None, total: Some(62), event: true, ..Packager::live() }
}

#[test]
fn it_begins_at_the_live_edge_and_one_can_go_back_to_its_beginning() {
    let mut rig = Rig::new(Origin::new(event()), MEDIA);
    rig.run(5000);
    let extent = rig.hls.extent(rig.now);
    assert!(extent.live);
    assert_eq!(extent.seekable.map(|(begins, _)| begins), Some(MediaTime(0)));
    assert!(rig.playhead > Some(MediaTime::from_millis(90_000)));
    rig.seek(0);
    rig.run(3000);
    assert_eq!(rig.numbers().first(), Some(&0));
    rig.assert_seamless();
    rig.twice.clear();
    rig.close();
}

#[test]
fn it_ends_when_its_playlist_says_so() {
    let mut rig = Rig::new(Origin::new(event()), MEDIA);
    rig.run(15_000);
    assert!(rig.hls.extent(rig.now).live && !rig.hls.is_over());
    rig.run(25_000);
    let extent = rig.hls.extent(rig.now);
    assert!(!extent.live && rig.hls.is_over() && rig.hls.error().is_none());
    assert_eq!(extent.duration, Some(Micros::from_secs(124)));
    assert_eq!(rig.numbers().last(), Some(&(62 * 50 - 1)));
    rig.assert_seamless();
    rig.close();
}

#[test]
fn where_the_page_or_the_playlist_says_it_begins_there() {
    let load =
        sailcast_engine::Load { start: Some(MediaTime::from_millis(50_500)), ..crate::rig::load(MEDIA) };
    let mut rig = Rig::with(Origin::new(event()), load);
    rig.run(2000);
    assert_eq!(rig.numbers().first(), Some(&(25 * 50)));
    assert_eq!(rig.hls.extent(rig.now).start, Some(MediaTime::from_millis(50_500)));
    rig.close();
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-START:TIME-OFFSET=-3\n#EXTINF:2,\nv0/s0.ts\n#EXTINF:2,\nv0/s1.ts\n\
                #EXTINF:2,\nv0/s2.ts\n#EXT-X-ENDLIST\n";
    let origin = Origin::new(Packager::vod(3));
    let origin = origin
        .fault(|request, _| (request.url == MEDIA).then_some(sailcast_sim::origin::Fault::Body(list.into())));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(2000);
    assert_eq!(rig.hls.extent(rig.now).start, Some(MediaTime::from_millis(3000)));
    assert_eq!(rig.numbers().first(), Some(&50));
    rig.close();
}
