use sailcast_media::MediaKind;
use sailcast_sim::origin::{Container, Fault, Origin, Packager};

use crate::{
    MEDIA,
    rig::{BEGIN, Rig, fetch},
};

#[test]
fn a_server_that_sends_all_for_a_range_is_understood() {
    let packager = Packager { part_ranges: true, ..Packager::low_latency() };
    let origin = Origin::new(packager).fault(|request, _| request.range.is_some().then_some(Fault::NoRanges));
    let mut rig = Rig::new(origin, MEDIA);
    rig.run(20_000);
    rig.assert_seamless();
    rig.close();
}

#[test]
fn segments_and_their_initialization_are_ranges_of_one_file() {
    // The file of one segment is cut where its fragments begin.
    let packager = Packager { container: Container::Mp4, ..Packager::vod(4) };
    let mut source = Origin::new(packager.clone());
    let mut fetch = |url: &str| fetch(&mut source, url, BEGIN).to_vec();
    let mut file = fetch("http://origin/v0/init0.mp4");
    let mut list = format!(
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"{}@0\"\n",
        file.len()
    );
    for n in 0..4 {
        let segment = fetch(&format!("http://origin/v0/s{n}.mp4"));
        list += &format!("#EXTINF:2,\n#EXT-X-BYTERANGE:{}@{}\nall.mp4\n", segment.len(), file.len());
        file.extend(segment);
    }
    list += "#EXT-X-ENDLIST\n";
    for whole in [false, true] {
        let (list, file) = (list.clone(), file.clone());
        let origin = Origin::new(packager.clone()).fault(move |request, _| {
            let body = match request.range.filter(|_| !whole) {
                Some(range) => file[range.offset as usize..][..range.length as usize].to_vec(),
                None => file.clone(),
            };
            let body = if request.url == MEDIA { list.clone().into_bytes() } else { body };
            Some(if whole { Fault::Body(body.into()) } else { Fault::Range(body.into()) })
        });
        let mut rig = Rig::new(origin, MEDIA);
        rig.run(10_000);
        rig.assert_seamless();
        assert_eq!(rig.packets.iter().filter(|p| p.track.kind == MediaKind::Video).count(), 200);
        rig.close();
    }
}
