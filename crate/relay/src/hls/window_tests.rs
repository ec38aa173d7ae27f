use super::*;

const EPOCH: u64 = 1000;
const FIRST: u64 = EPOCH * SEGMENTS_PER_SECOND;

fn window(seconds: i64, bytes: usize) -> Window {
    let mut window = Window::new(EPOCH, Bounds { listed: Micros::from_secs(seconds), bytes });
    window.begin_run(Some(Bytes::from_static(b"init")));
    window
}

/// Segments of 2 s in two parts of 1000 bytes.
fn fill(window: &mut Window, segments: usize) {
    for _ in 0..segments {
        for independent in [true, false] {
            window.add(Bytes::from(vec![0; 1000]), Micros::from_secs(1), independent, None);
        }
        window.end_segment();
    }
}

fn sequences(window: &Window) -> Vec<u64> {
    window.listed().map(|segment| segment.sequence - FIRST).collect()
}

#[test]
fn the_playlist_names_no_more_than_its_duration() {
    let mut window = window(10, usize::MAX);
    fill(&mut window, 4);
    assert_eq!(sequences(&window), [0, 1, 2, 3]);
    fill(&mut window, 4);
    assert_eq!(sequences(&window), [3, 4, 5, 6, 7]);
}

#[test]
fn three_segments_are_named_however_short_the_window() {
    let mut window = window(1, usize::MAX);
    fill(&mut window, 6);
    assert_eq!(sequences(&window), [3, 4, 5]);
}

#[test]
fn a_segment_that_has_left_the_playlist_can_be_loaded_for_as_long_again() {
    let mut window = window(10, usize::MAX);
    fill(&mut window, 20);
    assert_eq!(sequences(&window), [15, 16, 17, 18, 19]);
    let held: Vec<u64> = (0..20).filter(|n| window.segment(FIRST + n).is_some()).collect();
    assert_eq!(held, (9..20).collect::<Vec<_>>());
    assert!(window.part(2 * 9).is_some() && window.part(2 * 9 - 1).is_none());
}

#[test]
fn bytes_are_bounded_before_anything_else() {
    let mut window = window(1000, 20_000);
    fill(&mut window, 100);
    let held: usize = window.listed().map(Segment::len).sum();
    assert!((10_000..=20_000).contains(&held), "{held}");
    assert_eq!(sequences(&window).last(), Some(&99));
}

#[test]
fn parts_are_numbered_over_all_segments() {
    let mut window = window(60, usize::MAX);
    fill(&mut window, 3);
    assert_eq!(window.next_part(), 6);
    window.add(Bytes::from_static(b"seventh"), Micros::from_secs(1), true, None);
    assert_eq!(window.part(6).map(|part| part.bytes.clone()), Some(Bytes::from_static(b"seventh")));
    assert!(window.part(7).is_none());
    assert_eq!(window.edge(), Edge { sequence: FIRST + 3, parts: 1 });
    assert!(window.segment(FIRST + 3).is_none(), "not complete");
}

#[test]
fn init_segments_go_with_the_last_segment_that_needs_them() {
    let mut window = window(4, usize::MAX);
    fill(&mut window, 2);
    for _ in 0..100 {
        window.begin_run(Some(Bytes::from_static(b"unused")));
    }
    window.begin_run(Some(Bytes::from_static(b"other")));
    fill(&mut window, 1);
    assert!(window.map(0).is_some() && window.maps.len() == 2);
    fill(&mut window, 10);
    window.begin_run(Some(Bytes::from_static(b"third")));
    assert!(window.map(0).is_none() && window.map(101).is_some() && window.map(102).is_some());
}

#[test]
fn a_segment_under_way_is_whole_when_the_stream_ends() {
    let mut window = window(60, usize::MAX);
    window.add(Bytes::from_static(b"x"), Micros::from_secs(1), true, None);
    window.end();
    assert!(window.has_ended() && window.segment(FIRST).is_some());
}
