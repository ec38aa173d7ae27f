use bytes::BytesMut;
use proptest::prelude::*;
use sailcast_media::flv::{TagEvent, TagKind, TagReader};

use super::*;

/// Bodies in AVC's and AAC's layout; a number follows the head, so that a test knows its frames again.
const CONFIG: &[u8] = b"\x17\x00";
const KEY: &[u8] = b"\x17\x01";
const DELTA: &[u8] = b"\x27\x01";
const AUDIO: &[u8] = b"\xaf\x01";
const AUDIO_CONFIG: &[u8] = b"\xaf\x00";
const METADATA: &[u8] = b"\x02\x00\x0aonMetaData";
const MESSAGE: &[u8] = b"\x02\x00\x07message";

fn tag(head: &[u8], number: u32, timestamp: u32) -> Tag {
    padded(head, number, timestamp, 0)
}

fn padded(head: &[u8], number: u32, timestamp: u32, padding: usize) -> Tag {
    let kind = match head[0] {
        0x02 => TagKind::Script,
        0xaf => TagKind::Audio,
        _ => TagKind::Video,
    };
    let mut body = BytesMut::from(head);
    body.extend_from_slice(&number.to_be_bytes());
    body.resize(body.len() + padding, 0);
    Tag { offset: 0, kind, timestamp, body: body.freeze() }
}

/// A player that reads, as a list of what it got.
struct Reader {
    cursor: Cursor,
    flv: TagReader,
    got: Vec<TagEvent>,
}

impl Reader {
    fn new(now: Instant) -> Self {
        Self { cursor: Cursor::new(now), flv: TagReader::new(), got: Vec::new() }
    }

    /// Up to `max` steps; the last step.
    fn read(&mut self, ring: &Ring, now: Instant, max: usize) -> Option<Step> {
        let mut last = None;
        for _ in 0..max {
            let step = self.cursor.step(ring, now);
            last = Some(step.clone());
            let Step::Send(bytes) = step else { break };
            assert!(!bytes.is_empty());
            self.flv.push(bytes);
            while let Some(event) = self.flv.poll().unwrap() {
                self.got.push(event);
            }
        }
        last
    }

    fn read_all(&mut self, ring: &Ring, now: Instant) -> Option<Step> {
        self.read(ring, now, usize::MAX)
    }

    fn tags(&self) -> Vec<&Tag> {
        self.got.iter().filter_map(|e| if let TagEvent::Tag(tag) = e { Some(tag) } else { None }).collect()
    }

    /// Head, number and time stamp of each tag.
    fn brief(&self) -> Vec<(&[u8], u32, u32)> {
        self.tags().iter().map(|tag| brief(tag)).collect()
    }
}

fn brief(tag: &Tag) -> (&[u8], u32, u32) {
    let head_len = if tag.kind == TagKind::Script { 3 + usize::from(tag.body[2]) } else { 2 };
    let number = u32::from_be_bytes(tag.body[head_len..head_len + 4].try_into().unwrap());
    (&tag.body[..head_len], number, tag.timestamp)
}

fn ms(base: Instant, ms: u64) -> Instant {
    base + Duration::from_millis(ms)
}

#[test]
fn a_late_player_gets_headers_then_the_newest_group_then_the_live_tags() {
    let now = Instant::now();
    let mut ring = Ring::default();
    ring.promise(true, true);
    for (head, number, at) in
        [(METADATA, 0, 0), (CONFIG, 0, 0), (AUDIO_CONFIG, 0, 0), (KEY, 1, 0), (DELTA, 2, 33), (AUDIO, 1, 40)]
    {
        ring.push(&tag(head, number, at), now);
    }
    for (head, number, at) in [(KEY, 3, 2000), (AUDIO, 2, 2010), (DELTA, 4, 2033)] {
        ring.push(&tag(head, number, at), now);
    }
    let mut reader = Reader::new(now);
    assert_eq!(reader.read_all(&ring, now), Some(Step::Wait));
    ring.push(&tag(DELTA, 5, 2066), now);
    reader.read_all(&ring, now);
    assert_eq!(reader.got[0], TagEvent::Header { has_audio: true, has_video: true });
    assert_eq!(
        reader.brief(),
        [
            (METADATA, 0, 2000),
            (CONFIG, 0, 2000),
            (AUDIO_CONFIG, 0, 2000),
            (KEY, 3, 2000),
            (AUDIO, 2, 2010),
            (DELTA, 4, 2033),
            (DELTA, 5, 2066)
        ]
    );
}

#[test]
fn messages_right_before_a_keyframe_belong_to_its_group() {
    let now = Instant::now();
    let mut ring = Ring::default();
    for (head, number, at) in [(KEY, 1, 0), (MESSAGE, 1, 50), (AUDIO, 1, 60), (MESSAGE, 2, 99), (KEY, 2, 100)]
    {
        ring.push(&tag(head, number, at), now);
    }
    let mut reader = Reader::new(now);
    reader.read_all(&ring, now);
    assert_eq!(reader.brief(), [(MESSAGE, 2, 99), (KEY, 2, 100)]);
}

#[test]
fn who_wants_history_begins_with_the_oldest_group_and_its_headers() {
    let now = Instant::now();
    let mut ring = Ring::default();
    for (head, number, at) in [(DELTA, 0, 0), (CONFIG, 1, 0), (KEY, 1, 0), (CONFIG, 2, 66), (KEY, 2, 66)] {
        ring.push(&tag(head, number, at), now);
    }
    let mut reader = Reader { cursor: Cursor::with_history(now), ..Reader::new(now) };
    reader.read_all(&ring, now);
    assert_eq!(reader.brief(), [(CONFIG, 1, 0), (KEY, 1, 0), (CONFIG, 2, 66), (KEY, 2, 66)]);
}

#[test]
fn headers_are_those_in_force_where_the_player_starts_not_the_newest() {
    let now = Instant::now();
    let mut ring = Ring::default();
    for (head, number, at) in [(CONFIG, 1, 0), (KEY, 1, 0), (DELTA, 2, 33), (CONFIG, 2, 66)] {
        ring.push(&tag(head, number, at), now);
    }
    let mut reader = Reader::new(now);
    reader.read_all(&ring, now);
    ring.push(&tag(KEY, 3, 66), now);
    reader.read_all(&ring, now);
    assert_eq!(reader.brief(), [(CONFIG, 1, 0), (KEY, 1, 0), (DELTA, 2, 33), (CONFIG, 2, 66), (KEY, 3, 66)]);
}

#[test]
fn each_track_keeps_its_configuration_and_the_shown_one_opens_the_groups() {
    let now = Instant::now();
    let second = |packet_type: u8, frame: u8, number: u32, at| {
        let head = [&[0x86 | frame << 4, packet_type][..], b"avc1\x01"].concat();
        tag(&head, number, at)
    };
    let mut ring = Ring::default();
    for pushed in [
        tag(CONFIG, 1, 0),
        second(0, 1, 2, 0),
        second(1, 1, 3, 0),
        tag(KEY, 4, 0),
        tag(KEY, 5, 1000),
        second(1, 1, 6, 1000),
        second(1, 2, 7, 1033),
        tag(DELTA, 8, 1033),
    ] {
        ring.push(&pushed, now);
    }
    let mut reader = Reader::new(now);
    reader.read_all(&ring, now);
    let numbers: Vec<_> = reader
        .tags()
        .iter()
        .map(|tag| tag.body.last_chunk().map(|number| u32::from_be_bytes(*number)).unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 5, 6, 7, 8]);
}

#[test]
fn players_share_the_bodies_of_headers() {
    let now = Instant::now();
    let mut ring = Ring::default();
    for (head, padding) in [(METADATA, 60_000), (CONFIG, 300), (AUDIO_CONFIG, 200), (KEY, 1000)] {
        ring.push(&padded(head, 0, 7, padding), now);
    }
    let pieces = || {
        let mut cursor = Cursor::new(now);
        let mut pieces = Vec::new();
        while let Step::Send(bytes) = cursor.step(&ring, now) {
            pieces.push(bytes);
        }
        pieces
    };
    let (one, other) = (pieces(), pieces());
    assert_eq!(one, other);
    let own = one.iter().zip(&other).filter(|(a, b)| a.as_ptr() != b.as_ptr());
    let own: usize = own.map(|(a, _)| a.len()).sum();
    assert!(own < 100, "{own} bytes of its own for each player");
}

#[test]
fn a_header_too_large_to_say_again_ends_the_one_before_it() {
    let now = Instant::now();
    let mut ring = Ring::default();
    let too_large = padded(METADATA, 2, 0, MAX_HEADER_BODY);
    for tag in [tag(METADATA, 1, 0), too_large, tag(KEY, 1, 0), tag(KEY, 2, 100)] {
        ring.push(&tag, now);
    }
    let mut late = Reader::new(now);
    late.read_all(&ring, now);
    assert_eq!(late.brief(), [(KEY, 2, 100)]);
}

#[test]
fn a_stream_let_go_holds_nothing_and_its_players_get_the_end() {
    let now = Instant::now();
    let mut ring = Ring::default();
    ring.push(&tag(CONFIG, 0, 0), now);
    ring.push(&tag(KEY, 1, 0), now);
    let (mut behind, mut new) = (Reader::new(now), Reader::new(now));
    behind.read(&ring, now, 1);
    ring.end_stream(Ended::Publisher);
    ring.forget();
    assert_eq!((ring.cost, ring.entries.capacity()), (0, 0));
    for reader in [&mut behind, &mut new] {
        assert_eq!(reader.read_all(&ring, now), Some(Step::End(Ended::Publisher)));
        assert!(reader.brief().is_empty());
    }
}

#[test]
fn before_the_first_frame_there_is_nothing_to_say() {
    let now = Instant::now();
    let mut ring = Ring::default();
    let mut reader = Reader::new(now);
    ring.push(&tag(CONFIG, 0, 0), now);
    assert_eq!(reader.read_all(&ring, now), Some(Step::Wait));
    assert!(reader.got.is_empty());
    ring.end_stream(Ended::Publisher);
    assert_eq!(reader.read_all(&ring, now), Some(Step::End(Ended::Publisher)));
}

#[test]
fn the_file_header_believes_a_promise_for_a_second_and_then_only_what_came() {
    let base = Instant::now();
    let mut ring = Ring::default();
    ring.promise(true, true);
    ring.push(&tag(AUDIO, 0, 0), base);
    let mut early = Reader::new(base);
    early.read_all(&ring, base);
    assert_eq!(early.got[0], TagEvent::Header { has_audio: true, has_video: true });
    ring.push(&tag(AUDIO, 1, 1500), ms(base, 1500));
    let mut late = Reader::new(ms(base, 1500));
    late.read_all(&ring, ms(base, 1500));
    assert_eq!(late.got[0], TagEvent::Header { has_audio: true, has_video: false });
}

#[test]
fn sound_alone_starts_a_second_back() {
    let now = Instant::now();
    let mut ring = Ring::default();
    ring.push(&tag(AUDIO_CONFIG, 0, 0), now);
    for n in 0..200 {
        ring.push(&tag(AUDIO, n, n * 20), now);
    }
    let mut reader = Reader::new(now);
    reader.read_all(&ring, now);
    let got = reader.brief();
    assert_eq!(got[0], (AUDIO_CONFIG, 0, 2980));
    assert_eq!(got[1], (AUDIO, 149, 2980));
    assert_eq!(got.len(), 52);
}

/// One group of 20 pictures, then sound alone until `end_ms`.
fn picture_stops(ring: &mut Ring, base: Instant, end_ms: u32) {
    run(ring, base, 0..20, 20);
    sound(ring, base, 700, end_ms);
}

fn sound(ring: &mut Ring, base: Instant, from_ms: u32, end_ms: u32) {
    for at in (from_ms..=end_ms).step_by(20) {
        ring.push(&tag(AUDIO, at, at), ms(base, at.into()));
    }
}

#[test]
fn when_the_picture_stops_a_late_player_gets_the_recent_sound() {
    let base = Instant::now();
    let mut ring = Ring::default();
    picture_stops(&mut ring, base, 60_000);
    let mut late = Reader::new(ms(base, 60_000));
    late.read_all(&ring, ms(base, 60_000));
    let got = late.brief();
    assert_eq!((got[0], got.len()), ((AUDIO, 59_000, 59_000), 51));
    assert!(ring.entries.len() < 300, "{} tags: 5 s of sound", ring.entries.len());
    // A picture that refers to one that is gone changes nothing; a keyframe does.
    ring.push(&tag(DELTA, 1, 60_000), ms(base, 60_000));
    let mut later = Reader::new(ms(base, 60_000));
    later.read_all(&ring, ms(base, 60_000));
    assert_eq!(later.brief().len(), 51);
    ring.push(&tag(KEY, 2, 60_033), ms(base, 60_033));
    for reader in [&mut late, &mut later] {
        reader.read_all(&ring, ms(base, 60_033));
        assert_eq!(reader.brief().last(), Some(&(KEY, 2, 60_033)));
    }
}

#[test]
fn a_short_pause_of_the_picture_keeps_its_group() {
    let base = Instant::now();
    let mut ring = Ring::default();
    picture_stops(&mut ring, base, 5_600);
    let mut late = Reader::new(ms(base, 5_600));
    late.read_all(&ring, ms(base, 5_600));
    assert_eq!(late.brief()[0], (KEY, 0, 0));
}

#[test]
fn pictures_resumed_after_a_long_pause_reach_those_who_hold_what_they_refer_to() {
    let base = Instant::now();
    let mut ring = Ring::default();
    let mut reader = Reader::new(base);
    picture_stops(&mut ring, base, 700);
    for from in (720..9_000).step_by(1_000) {
        reader.read_all(&ring, ms(base, from.into()));
        sound(&mut ring, base, from, from + 980);
    }
    reader.read_all(&ring, ms(base, 9_000));
    ring.push(&tag(DELTA, 20, 9_010), ms(base, 9_010));
    reader.read_all(&ring, ms(base, 9_010));
    assert_eq!(reader.brief().last(), Some(&(DELTA, 20, 9_010)));
    assert_eq!(reader.cursor.skips(), 0);
}

#[test]
fn pictures_without_a_keyframe_are_withheld() {
    let now = Instant::now();
    let mut ring = Ring::default();
    for (head, number, at) in [(CONFIG, 0, 0), (DELTA, 1, 0), (AUDIO, 1, 5), (DELTA, 2, 33)] {
        ring.push(&tag(head, number, at), now);
    }
    let mut reader = Reader::new(now);
    reader.read_all(&ring, now);
    assert_eq!(reader.brief(), [(CONFIG, 0, 0), (AUDIO, 1, 5)]);
    ring.push(&tag(KEY, 3, 66), now);
    reader.read_all(&ring, now);
    assert_eq!(reader.brief().last(), Some(&(KEY, 3, 66)));
}

/// 30 pictures a second, a keyframe every `group` of them, until `end_ms`.
fn run(ring: &mut Ring, base: Instant, numbers: std::ops::Range<u32>, group: u32) {
    for n in numbers {
        let head = if n % group == 0 { KEY } else { DELTA };
        ring.push(&tag(head, n, n * 33), ms(base, u64::from(n) * 33));
    }
}

#[test]
fn a_player_that_lags_too_far_jumps_to_the_newest_keyframe() {
    let base = Instant::now();
    let mut ring = Ring::default();
    run(&mut ring, base, 0..1, 60);
    let mut reader = Reader::new(base);
    reader.read_all(&ring, base);
    run(&mut ring, base, 1..400, 60);
    reader.read_all(&ring, ms(base, 399 * 33));
    assert_eq!((reader.cursor.skips(), reader.cursor.skipped_tags()), (1, 359));
    let got = reader.brief();
    assert_eq!(got[0], (KEY, 0, 0));
    assert_eq!(got[1], (KEY, 360, 360 * 33));
    assert_eq!(got.len(), 41);
}

#[test]
fn a_player_a_little_behind_loses_nothing() {
    let base = Instant::now();
    let mut ring = Ring::default();
    let mut reader = Reader::new(base);
    for n in 0..400 {
        run(&mut ring, base, n..n + 1, 60);
        if n % 100 == 0 || n == 399 {
            reader.read_all(&ring, ms(base, u64::from(n) * 33));
        }
    }
    assert_eq!(reader.cursor.skips(), 0);
    assert_eq!(reader.brief().len(), 400);
}

#[test]
fn a_long_group_given_in_one_burst_is_not_a_lag() {
    let base = Instant::now();
    let mut ring = Ring::default();
    run(&mut ring, base, 0..300, 300);
    let joined = ms(base, 299 * 33);
    let mut reader = Reader::new(joined);
    reader.read(&ring, joined, 10);
    run(&mut ring, base, 300..302, 300);
    reader.read_all(&ring, ms(base, 302 * 33));
    assert_eq!(reader.cursor.skips(), 0);
    assert_eq!(reader.brief().len(), 302);
}

#[test]
fn a_jump_brings_the_headers_that_changed_and_only_them() {
    let base = Instant::now();
    let mut ring = Ring::default();
    ring.push(&tag(CONFIG, 1, 0), base);
    ring.push(&tag(AUDIO_CONFIG, 1, 0), base);
    run(&mut ring, base, 0..1, 60);
    let mut reader = Reader::new(base);
    reader.read_all(&ring, base);
    ring.push(&tag(CONFIG, 2, 33), base);
    run(&mut ring, base, 60..361, 60);
    reader.read_all(&ring, ms(base, 12_000));
    assert_eq!(
        reader.brief(),
        [(CONFIG, 1, 0), (AUDIO_CONFIG, 1, 0), (KEY, 0, 0), (CONFIG, 2, 360 * 33), (KEY, 360, 360 * 33)]
    );
}

#[test]
fn a_group_larger_than_the_cap_is_given_up_until_the_next_keyframe() {
    let now = Instant::now();
    let mut ring = Ring::with_limit(10_000);
    ring.push(&tag(KEY, 0, 0), now);
    let mut live = Reader::new(now);
    for n in 1..100 {
        ring.push(&padded(DELTA, n, n * 33, 1000), now);
        live.read_all(&ring, now);
        assert!(ring.cost <= 10_000);
    }
    assert_eq!(live.brief().len(), 100, "a player at the live edge loses nothing");
    let mut late = Reader::new(now);
    late.read_all(&ring, now);
    assert!(late.brief().is_empty());
    ring.push(&tag(KEY, 100, 3300), now);
    late.read_all(&ring, now);
    assert_eq!(late.brief(), [(KEY, 100, 3300)]);
}

#[test]
fn old_groups_go_by_time_and_the_newest_stays() {
    let base = Instant::now();
    let mut ring = Ring::default();
    run(&mut ring, base, 0..3000, 60);
    let held = ring.entries.len();
    assert!((150..=270).contains(&held), "{held} tags: 5 s and two groups at most");
    // Nine seconds after the last keyframe.
    run(&mut ring, base, 3001..3270, 100_000);
    assert_eq!(ring.entries.front().map(|e| e.class), Some(TagClass::Keyframe));
}

#[derive(Clone, Debug)]
enum Act {
    Push { head: &'static [u8], padding: usize, after_ms: u64 },
    Read { who: usize, steps: usize },
    Join,
}

fn act() -> impl Strategy<Value = Act> {
    let head = prop_oneof![
        6 => Just(DELTA), 2 => Just(KEY), 4 => Just(AUDIO), 1 => Just(CONFIG), 1 => Just(AUDIO_CONFIG),
        1 => Just(METADATA), 1 => Just(MESSAGE),
    ];
    prop_oneof![
        8 => (head, 0..3000usize, prop_oneof![9 => 0..60u64, 1 => 0..6000u64])
            .prop_map(|(head, padding, after_ms)| Act::Push { head, padding, after_ms }),
        4 => (0..4usize, 0..40usize).prop_map(|(who, steps)| Act::Read { who, steps }),
        1 => Just(Act::Join),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is published and however players read: what a player gets is FLV whose pictures have what they
    /// refer to and whose frames have their headers, and the ring stays within its bounds.
    #[test]
    fn every_player_always_gets_a_decodable_stream(acts in prop::collection::vec(act(), 1..400)) {
        let base = Instant::now();
        let mut now = base;
        let mut ring = Ring::with_limit(60_000);
        let mut readers = vec![Reader::new(now)];
        let mut published: Vec<Tag> = Vec::new();
        for act in acts {
            match act {
                Act::Push { head, padding, after_ms } => {
                    now += Duration::from_millis(after_ms);
                    let at = now.saturating_duration_since(base).as_millis() as u32;
                    let tag = padded(head, published.len() as u32, at, padding);
                    ring.push(&tag, now);
                    published.push(tag);
                    prop_assert!(ring.cost <= ring.max_cost);
                    prop_assert_eq!(ring.cost, ring.entries.iter().map(Entry::cost).sum::<usize>());
                }
                Act::Read { who, steps } => {
                    let count = readers.len();
                    readers[who % count].read(&ring, now, steps);
                }
                Act::Join => readers.push(Reader::new(now)),
            }
        }
        ring.end_stream(Ended::Publisher);
        for reader in &mut readers {
            prop_assert_eq!(reader.read_all(&ring, now), Some(Step::End(Ended::Publisher)));
            check(reader, &published)?;
        }
    }
}

/// The numbers in the tags are their places in what was published.
fn check(reader: &Reader, published: &[Tag]) -> Result<(), TestCaseError> {
    let skipped = reader.got.iter().filter(|e| matches!(e, TagEvent::Skipped { .. })).count();
    prop_assert_eq!(skipped, 0);
    let mut previous_picture: Option<usize> = None;
    let mut newest: Option<usize> = None;
    let mut headers: [Option<&[u8]>; HEADER_SLOTS] = [None; HEADER_SLOTS];
    let mut used = [false; HEADER_SLOTS];
    let slots: Vec<_> = published.iter().map(|t| header_slot(t.class(), t)).collect();
    slots.iter().flatten().for_each(|slot| used[*slot] = true);
    for tag in reader.tags() {
        let class = tag.class();
        let place = brief(tag).1 as usize;
        if let Some(slot) = header_slot(class, tag) {
            headers[slot] = Some(&tag.body[..]);
            continue;
        }
        prop_assert!(newest.is_none_or(|n| place > n), "tags come once and in order");
        newest = Some(place);
        prop_assert_eq!((tag.timestamp, &tag.body), (published[place].timestamp, &published[place].body));
        if class == TagClass::VideoFrame {
            let before = published[..place]
                .iter()
                .rposition(|t| matches!(t.class(), TagClass::Keyframe | TagClass::VideoFrame));
            prop_assert!(before.is_some() && before == previous_picture, "picture {} has a gap", place);
        }
        if matches!(class, TagClass::Keyframe | TagClass::VideoFrame) {
            previous_picture = Some(place);
        }
        for (slot, known) in headers.iter().enumerate().filter(|(slot, _)| used[*slot]) {
            let in_force = slots[..place].iter().rposition(|s| *s == Some(slot));
            prop_assert_eq!(*known, in_force.map(|i| &published[i].body[..]), "headers of {}", place);
        }
    }
    Ok(())
}
