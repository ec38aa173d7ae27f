use super::*;

const KEY: &[u8] = b"\x17\x01";
const DELTA: &[u8] = b"\x27\x01";
const SOUND: &[u8] = b"\xaf\x01";
/// AAC LC, 48 kHz, stereo.
const SOUND_CONFIG: &[u8] = b"\xaf\x00\x11\x90";
const PICTURE_CONFIG: &[u8] = b"\x17\x00avcC";

fn tag(body: &'static [u8], timestamp: u32) -> Tag {
    let kind = match body[0] {
        0xaf => TagKind::Audio,
        0x02 => TagKind::Script,
        _ => TagKind::Video,
    };
    Tag { offset: 0, kind, timestamp, body: Bytes::from_static(body) }
}

/// Pictures at 30 a second from `start`, sound of 1024 samples at 48 kHz from 0, in order of time.
fn file(pictures: u32, start: u32, sounds: u32) -> Vec<Tag> {
    let mut tags: Vec<Tag> = (0..pictures)
        .map(|n| {
            tag(if n % 60 == 0 { KEY } else { DELTA }, start + (f64::from(n) * 1000.0 / 30.0).round() as u32)
        })
        .chain((0..sounds).map(|n| tag(SOUND, (f64::from(n) * 1024.0 / 48.0).round() as u32)))
        .collect();
    tags.sort_by_key(|tag| tag.timestamp);
    let mut headers = Vec::new();
    if pictures > 0 {
        headers.push(tag(PICTURE_CONFIG, 0));
    }
    if sounds > 0 {
        headers.push(tag(SOUND_CONFIG, 0));
    }
    headers.extend(tags);
    headers
}

fn plan(tags: &[Tag]) -> Plan {
    let mut survey = Survey::default();
    tags.iter().for_each(|tag| survey.note(tag));
    survey.plan().unwrap()
}

fn rounds(tags: &[Tag], count: usize) -> Vec<Placed> {
    let mut looper = Looper::new(plan(tags));
    let mut out = Vec::new();
    for _ in 0..count {
        out.extend(tags.iter().filter_map(|tag| looper.place(tag.clone())));
        looper.next_round();
    }
    out
}

fn times(placed: &[Placed], kind: TagKind) -> Vec<i64> {
    let frame = |p: &&Placed| p.tag.kind == kind && p.tag.body[1] == 1;
    placed.iter().filter(frame).map(|p| p.at).collect()
}

fn steps(times: &[i64]) -> Vec<i64> {
    times.windows(2).map(|w| w[1] - w[0]).collect()
}

#[test]
fn a_file_whose_tracks_last_the_same_loops_without_a_seam() {
    let placed = rounds(&file(240, 21, 375), 200);
    assert!(steps(&times(&placed, TagKind::Video)).iter().all(|d| (33..=34).contains(d)));
    assert!(steps(&times(&placed, TagKind::Audio)).iter().all(|d| (21..=22).contains(d)));
}

#[test]
fn no_drift_between_sound_and_its_samples_adds_up() {
    // 100 pictures last 3333.3 ms, 156.25 frames of sound.
    let placed = rounds(&file(100, 0, 157), 2000);
    let sound = times(&placed, TagKind::Audio);
    assert_eq!(sound.len(), 2000 * 156);
    for (n, at) in sound.iter().enumerate() {
        let exact = n as f64 * 1024.0 / 48.0;
        assert!((*at as f64 - exact).abs() <= 1.0, "frame {n} at {at}, its samples at {exact}");
    }
    // The last picture of a round stands a little shorter or longer.
    assert!(steps(&times(&placed, TagKind::Video)).iter().all(|d| (22..=45).contains(d)));
}

#[test]
fn sound_that_ends_early_leaves_the_picture_its_length() {
    let placed = rounds(&file(240, 0, 300), 3);
    assert!(steps(&times(&placed, TagKind::Video)).iter().all(|d| (33..=34).contains(d)));
    let sound = times(&placed, TagKind::Audio);
    assert_eq!(sound[300], sound[0] + plan(&file(240, 0, 300)).period_ms());
}

#[test]
fn one_track_loops_alone() {
    for (tags, kind, step) in
        [(file(240, 0, 0), TagKind::Video, 33..=34), (file(0, 0, 375), TagKind::Audio, 21..=22)]
    {
        assert!(steps(&times(&rounds(&tags, 20), kind)).iter().all(|d| step.contains(d)));
    }
}

#[test]
fn a_file_that_does_not_begin_at_zero_does() {
    let mut tags = file(240, 21, 375);
    let offset = u32::MAX - 3000;
    tags.iter_mut().skip(2).for_each(|tag| tag.timestamp = tag.timestamp.wrapping_add(offset));
    let placed = rounds(&tags, 3);
    assert_eq!(placed.iter().map(|p| p.at).min(), Some(0));
    assert!(steps(&times(&placed, TagKind::Video)).iter().all(|d| (33..=34).contains(d)));
}

#[test]
fn time_stamps_wrap_where_the_format_does() {
    let mut looper = Looper::new(plan(&file(240, 0, 0)));
    looper.round = 1 << 20;
    let placed = looper.place(tag(KEY, 0)).unwrap();
    assert!(placed.at > i64::from(u32::MAX));
    assert_eq!(placed.tag.timestamp, placed.at as u32);
}

#[test]
fn configurations_come_again_only_when_they_change() {
    let placed = rounds(&file(60, 0, 90), 3);
    let configs = placed.iter().filter(|p| p.tag.kind != TagKind::Script && p.tag.body[1] == 0).count();
    assert_eq!(configs, 2);
}

#[test]
fn the_clock_is_told_before_keyframes_and_every_second() {
    let placed = rounds(&file(600, 0, 938), 2);
    let told: Vec<i64> = placed.iter().filter(|p| p.clock_due).map(|p| p.at).collect();
    assert!(steps(&told).iter().all(|d| *d <= 1050));
    assert!(placed.iter().filter(|p| p.tag.body.starts_with(KEY)).all(|p| p.clock_due));
}

#[test]
fn metadata_comes_once_and_promises_no_end() {
    let mut body = BytesMut::new();
    let fields = [("duration", 8.0), ("width", 640.0), ("filesize", 1e6)];
    let fields = fields.map(|(key, value)| (key.to_owned(), Value::Number(value))).to_vec();
    amf0::write_script(&mut body, "onMetaData", &[Value::Object(fields)]).unwrap();
    let mut tags = file(60, 0, 0);
    tags.insert(0, Tag { offset: 0, kind: TagKind::Script, timestamp: 0, body: body.freeze() });
    let placed = rounds(&tags, 3);
    let scripts: Vec<_> = placed.iter().filter(|p| p.tag.kind == TagKind::Script).collect();
    assert_eq!(scripts.len(), 1);
    let (_, values) = amf0::read_script(&scripts[0].tag.body).unwrap();
    assert_eq!(values, [Value::Object(vec![("width".into(), Value::Number(640.0))])]);
}

#[test]
fn too_little_to_loop_is_refused() {
    let mut survey = Survey::default();
    assert_eq!(survey.plan(), Err(CannotLoop::TooShort));
    survey.note(&tag(KEY, 0));
    assert_eq!(survey.plan(), Err(CannotLoop::TooShort));
}
