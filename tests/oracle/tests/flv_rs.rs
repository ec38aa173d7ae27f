//! Our tags equal flv-rs's on well-formed files.
//!
//! flv-rs panics or hangs on what it does not expect, so it runs in a child process with a time limit: this test
//! binary again, asked for the one ignored test. It shows a tag's contents only through `Debug`, which is what the
//! child prints and the parent compares.

mod common;

use std::{
    io::Read,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::{clean, corpus, plain_fixtures, read, tags};
use sailcast_media::flv::TagKind;

const FILE: &str = "SAILCAST_FLV_RS_FILE";
const LIMIT: Duration = Duration::from_secs(60);
const MARK: &str = "flv-rs-tag ";

#[derive(Debug, PartialEq)]
struct Seen {
    kind: u64,
    body_len: u64,
    timestamp: u64,
    /// Frame type, packet type and composition time of a video tag.
    video: Option<[u64; 3]>,
    /// Bytes of media, of tags that have them.
    data: Vec<u64>,
}

#[test]
#[ignore = "the child of the other tests: reads one file with flv-rs and prints its tags"]
fn child() {
    let path = std::env::var(FILE).expect("the parent names a file");
    let file = flv_rs::FLV::open(&path).expect("a file that flv-rs reads");
    for tag in &file.body.tags {
        println!("{MARK}{tag:?}");
    }
}

/// The child's lines for one file.
fn flv_rs_lines(path: &Path) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child process");
    let mut stdout = child.stdout.take().expect("its output");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the child's status") {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("the child to end");
            child.wait().expect("the child's status");
            panic!("{}: flv-rs is not done after {LIMIT:?}", path.display());
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let text = reader.join().expect("the reader").expect("text");
    assert!(status.success(), "{}: flv-rs failed", path.display());
    // The test harness may put its own words before the first one.
    text.lines().filter_map(|line| line.split_once(MARK)).map(|(_, tag)| tag.to_owned()).collect()
}

/// The number behind `name: ` in a `Debug` text.
fn field(text: &str, name: &str) -> u64 {
    let (_, behind) = text.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in {text}"));
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{name} in {text}"))
}

fn theirs(text: &str) -> Seen {
    let kind = field(text, "tag_type");
    let part = |name: &str| text.split_once(&format!("{name}: Some(")).map(|(_, behind)| behind);
    let media = part("video_data").or_else(|| part("audio_data"));
    // `other_data` belongs to configurations; the media's own field is the last.
    let list = media.and_then(|m| m.rsplit_once(" data: [")).and_then(|(_, behind)| behind.split_once(']'));
    let data =
        list.map(|(list, _)| list.split(", ").filter_map(|n| n.parse().ok()).collect()).unwrap_or_default();
    let video = part("video_data");
    Seen {
        kind,
        body_len: field(text, "data_size"),
        timestamp: field(text, "timestamp_extended") << 24 | field(text, "timestamp_base"),
        video: video
            .map(|v| ["frame_type", "avc_package_type", "composition_time_offset"].map(|f| field(v, f))),
        data,
    }
}

fn compare(path: &Path) {
    let expected: Vec<_> = flv_rs_lines(path).iter().map(|line| theirs(line)).collect();
    let ours = tags(read(path));
    assert_eq!(ours.len(), expected.len(), "{}: number of tags", path.display());
    for (i, (tag, expected)) in ours.iter().zip(&expected).enumerate() {
        let body = &tag.body;
        let (kind, header_len) = match tag.kind {
            TagKind::Audio => (8, 2),
            TagKind::Video => (9, 5),
            TagKind::Script => (18, body.len()),
        };
        let is_config = tag.kind != TagKind::Script && body[1] == 0;
        let data =
            if is_config { Vec::new() } else { body[header_len..].iter().map(|b| u64::from(*b)).collect() };
        let composition = || u64::from(u32::from_be_bytes([0, body[2], body[3], body[4]]));
        let video = (tag.kind == TagKind::Video)
            .then(|| [u64::from(body[0] >> 4), u64::from(body[1]), composition()]);
        let timestamp = u64::from(tag.timestamp);
        let seen = Seen { kind, body_len: body.len() as u64, timestamp, video, data };
        assert_eq!(seen, *expected, "{}: tag {i}", path.display());
    }
}

#[test]
fn fixtures_agree() {
    for path in plain_fixtures() {
        compare(&path);
    }
}

/// A file counts when flv-rs comes to its end: it panics at any script data but a plain `onMetaData`.
#[test]
fn clean_corpus_files_agree() {
    for path in clean(corpus()) {
        match std::panic::catch_unwind(|| flv_rs_lines(&path)) {
            Ok(_) => compare(&path),
            Err(_) => eprintln!("{}: flv-rs cannot read it", path.display()),
        }
    }
}
