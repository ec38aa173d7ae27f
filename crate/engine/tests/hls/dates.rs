use sailcast_engine::feed::Paced;
use sailcast_media::{MediaTime, Message, Micros, Value};
use sailcast_sim::origin::{EPOCH, Origin, Packager, number_of};

use crate::{MEDIA, rig::Rig};

#[test]
fn the_playlist_says_what_time_it_is() {
    let mut rig = Rig::new(Origin::new(Packager { dates: true, ..Packager::live() }), MEDIA);
    rig.run(10_000);
    let (time, unix) = rig.hls.extent(rig.now).wall_clock.expect("dates");
    let picture = rig.packets.iter().find_map(|p| Some((p.pts, number_of(&p.data)?))).expect("a picture");
    let captured = EPOCH + Micros(picture.1 as i64 * 40_000);
    assert!(((unix - captured) - (time - picture.0)).abs() < Micros(2000));
    rig.close();
}

#[test]
fn ranges_of_time_are_messages_at_their_time_and_come_once() {
    let mut rig = Rig::new(Origin::new(Packager { dates: true, ..Packager::live() }), MEDIA);
    rig.run(20_000);
    assert_eq!(rig.messages.len(), 1);
    let Message::Script { name, values } = &rig.messages[0].message else { panic!("a named message") };
    assert_eq!(name, "EXT-X-DATERANGE");
    let [Value::Object(attributes)] = &values[..] else { panic!("{values:?}") };
    assert!(attributes.contains(&("ID".into(), Value::String("advert".into()))));
    assert!(attributes.contains(&("DURATION".into(), Value::Number(5.0))));
    assert!(attributes.contains(&("X-COLOUR".into(), Value::String("red".into()))));
    // Ten seconds after the world began.
    let picture = rig.packets.iter().find_map(|p| Some((p.pts, number_of(&p.data)?))).expect("a picture");
    let zero = picture.0 - MediaTime(picture.1 as i64 * 40_000);
    let expected = MediaTime(110_000_000) + zero;
    assert!((rig.messages[0].time - expected).abs() < Micros(2000));
    rig.close();
}
