use sailcast_media::{MediaKind, Micros};
use sailcast_sim::origin::{Container, Origin, Packager, Sound};

use crate::rig::Rig;

#[test]
fn sound_without_a_picture_is_played() {
    for (sound, container) in
        [(Sound::Packed, Container::Ts), (Sound::Apart, Container::Ts), (Sound::Apart, Container::Mp4)]
    {
        let packager = Packager { sound, container, discontinuities: vec![55], ..Packager::live() };
        let mut rig = Rig::new(Origin::new(packager), "http://origin/a.m3u8");
        rig.run(30_000);
        assert!(rig.packets.iter().all(|packet| packet.track.kind == MediaKind::Audio));
        assert!(rig.packets.len() > 1500, "{}", rig.packets.len());
        for pair in rig.packets.windows(2) {
            let off = pair[1].pts - pair[0].pts - Micros(21_333);
            // At a discontinuity the next sound begins where the playlist says.
            assert!(off.abs() < Micros(25_000), "{off:?} at {:?}", pair[0].pts);
        }
        assert!(rig.stalled < Micros::from_millis(100), "{:?}", rig.stalled);
        rig.close();
    }
}
