//! The tables of tracks that writers make, and of those that none does.

use super::*;

fn full(kind: &[u8; 4], numbers: &[u32]) -> Vec<u8> {
    let body: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    let size = u32::try_from(12 + body.len()).unwrap();
    [&size.to_be_bytes(), &kind[..], &[0; 4], &body].concat()
}

fn table(boxes: &[Vec<u8>]) -> Table {
    Table::read(Boxes::new(&boxes.concat()))
}

/// Two chunks of two samples and one of one, with a keyframe at the first and the fourth, B pictures between.
fn five() -> Table {
    table(&[
        full(b"stts", &[2, 3, 10, 2, 20]),
        full(b"ctts", &[3, 1, 10, 2, 0, 2, 10]),
        full(b"stsc", &[2, 1, 2, 1, 3, 1, 2]),
        full(b"stsz", &[0, 5, 11, 12, 13, 14, 15]),
        full(b"stco", &[3, 1000, 2000, 500]),
        full(b"stss", &[2, 1, 4]),
    ])
}

fn walk(table: &Table, from: u32) -> Vec<(u64, u32, i64, i64, u32)> {
    let mut cursor = Cursor::new(table, from, 1);
    let mut seen = Vec::new();
    while let Some(s) = cursor.sample(table) {
        seen.push((s.at, s.size, s.dts, s.presented(), s.entry));
        cursor.advance(table);
        assert!(seen.len() < 100, "no end");
    }
    seen
}

#[test]
fn samples_have_their_places_and_times() {
    let expected = [
        (1000, 11, 0, 10, 1),
        (1011, 12, 10, 10, 1),
        (2000, 13, 20, 20, 1),
        (2013, 14, 30, 40, 1),
        (500, 15, 50, 60, 2),
    ];
    for from in 0..6 {
        assert_eq!(walk(&five(), from), expected[from as usize..], "from {from}");
    }
    assert_eq!(five().duration(), 70);
}

#[test]
fn keyframes_are_found_by_when_they_are_presented() {
    let (first, second) = (SyncSample { index: 0, time: 10 }, SyncSample { index: 3, time: 40 });
    let table = five();
    assert_eq!(table.sync_around(9), [None, Some(first)]);
    assert_eq!(table.sync_around(39), [Some(first), Some(second)]);
    assert_eq!(table.sync_around(40), [Some(second), None]);
    for (ticks, index) in [(-5, 0), (0, 0), (29, 2), (30, 3), (49, 3), (50, 4), (900, 4)] {
        assert_eq!(table.index_at(ticks), index, "{ticks}");
    }
}

#[test]
fn without_a_table_of_keyframes_all_samples_are() {
    let table = table(&[
        full(b"stts", &[1, 4, 10]),
        full(b"stsc", &[1, 1, 4, 1]),
        full(b"stsz", &[7, 4]),
        full(b"stco", &[1, 100]),
    ]);
    let at = |index: u32| Some(SyncSample { index, time: i64::from(index) * 10 });
    assert_eq!(table.sync_around(25), [at(2), at(3)]);
    assert_eq!(table.sync_around(-1), [None, at(0)]);
    assert_eq!(table.sync_around(30), [at(3), None]);
}

#[test]
fn an_empty_table_of_keyframes_is_none() {
    let tables = [
        full(b"stts", &[1, 4, 10]),
        full(b"stsc", &[1, 1, 4, 1]),
        full(b"stsz", &[7, 4]),
        full(b"stco", &[1, 100]),
        full(b"stss", &[0]),
    ];
    assert_eq!(table(&tables).sync_around(25), table(&tables[..4]).sync_around(25));
}

#[test]
fn samples_of_a_byte_come_in_bundles_within_their_chunk() {
    let table = table(&[
        full(b"stts", &[1, 500, 1]),
        full(b"stsc", &[1, 1, 250, 1]),
        full(b"stsz", &[1, 500]),
        full(b"stco", &[2, 1000, 5000]),
    ]);
    let mut cursor = Cursor::new(&table, 0, 160);
    let mut seen = Vec::new();
    while let Some(s) = cursor.sample(&table) {
        seen.push((s.at, s.size, s.dts, s.duration));
        cursor.advance(&table);
    }
    assert_eq!(seen, [(1000, 160, 0, 160), (1160, 90, 160, 90), (5000, 160, 250, 160), (5160, 90, 410, 90)]);
}

#[test]
fn packed_sizes_and_long_places() {
    let mut sizes = full(b"stz2", &[4, 3]);
    sizes.extend([0x12, 0x30]);
    let size = u32::try_from(sizes.len()).unwrap().to_be_bytes();
    sizes[..4].copy_from_slice(&size);
    let table =
        table(&[full(b"stts", &[1, 3, 5]), full(b"stsc", &[1, 1, 3, 1]), sizes, full(b"co64", &[1, 1, 0])]);
    let places: Vec<_> = walk(&table, 0).into_iter().map(|s| (s.0, s.1)).collect();
    assert_eq!(places, [(1 << 32, 1), ((1 << 32) + 1, 2), ((1 << 32) + 3, 3)]);
}

#[test]
fn tables_that_end_too_early_or_say_nothing_give_what_there_is() {
    let sizes = full(b"stsz", &[0, 3, 1, 2, 3]);
    let place = full(b"stco", &[1, 10]);
    let chunks = full(b"stsc", &[1, 1, 9, 1]);
    // No times: all at 0. A count that passes the end of its box. Chunks of no samples. None at all.
    assert_eq!(walk(&table(&[sizes.clone(), place.clone(), chunks.clone()]), 0).len(), 3);
    let short = full(b"stts", &[9, 1, 10]);
    assert_eq!(walk(&table(&[short, sizes.clone(), place.clone(), chunks]), 0)[2].2, 20);
    let empty = full(b"stsc", &[1, 1, 0, 1]);
    assert_eq!(walk(&table(&[sizes.clone(), place, empty]), 0), []);
    assert_eq!(walk(&table(&[sizes]), 0), []);
    assert_eq!(walk(&Table::default(), 7), []);
}
