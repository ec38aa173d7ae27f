use proptest::prelude::*;

use super::*;

#[path = "../../tests/common/rtmp_peer.rs"]
mod rtmp_peer;

use rtmp_peer::{Peer, Seen};

fn client() -> Client {
    Client::new(&"rtmp://example.org/live?key=k".parse().unwrap(), "camera", 1)
}

/// Lets both speak, in pieces of `step` bytes, until neither has anything to say; all that the server said.
fn talk(client: &mut Client, peer: &mut Peer, step: usize) -> (Vec<u8>, Result<(), RtmpError>) {
    let mut said = Vec::new();
    loop {
        let to_peer = client.output().split();
        let answers: Vec<u8> = to_peer.chunks(step).flat_map(|piece| peer.input(piece)).collect();
        if to_peer.is_empty() && answers.is_empty() {
            return (said, Ok(()));
        }
        said.extend(&answers);
        for piece in answers.chunks(step) {
            if let Err(error) = client.input(piece) {
                return (said, Err(error));
            }
        }
    }
}

#[test]
fn a_stream_is_published_as_it_is_and_ended() {
    for step in [1, 100, usize::MAX] {
        let (mut client, mut peer) = (client(), Peer::new(None));
        talk(&mut client, &mut peer, step).1.unwrap();
        assert!(client.is_publishing());
        let large = Bytes::from(vec![0x17; 10_000]);
        client.send(TagKind::Video, 0, &large);
        client.send(TagKind::Audio, 0xff_ffff, b"\xaf\x01sound");
        client.send(TagKind::Video, 0x0100_0000, b"\x91hvc1enhanced");
        client.send(TagKind::Video, u32::MAX, &large);
        client.unpublish();
        talk(&mut client, &mut peer, step).1.unwrap();
        let expected = [
            Seen::Connect("live".into()),
            Seen::Publish("camera?key=k".into()),
            Seen::Video(0, large.clone()),
            Seen::Audio(0xff_ffff, Bytes::from_static(b"\xaf\x01sound")),
            Seen::Video(0x0100_0000, Bytes::from_static(b"\x91hvc1enhanced")),
            Seen::Video(u32::MAX, large),
            Seen::Finish,
        ];
        assert_eq!(peer.seen, expected);
    }
}

#[test]
fn a_refusal_is_told_in_the_servers_words() {
    let (mut client, mut peer) = (client(), Peer::new(Some("it is taken")));
    let refused = talk(&mut client, &mut peer, usize::MAX).1.unwrap_err();
    assert_eq!(refused.to_string(), "refused: NetStream.Publish.BadName: it is taken");
    assert!(!client.is_publishing());
}

#[test]
fn what_is_no_rtmp_is_told_at_its_first_byte() {
    assert_eq!(client().input(b"HTTP/1.1 400 Bad Request"), Err(RtmpError::Version(b'H')));
}

/// A client that publishes, and a server's messages to it.
fn publishing() -> Client {
    let (mut client, mut peer) = (client(), Peer::new(None));
    talk(&mut client, &mut peer, usize::MAX).1.unwrap();
    client
}

fn server_says(client: &mut Client, kind: u8, body: &[u8]) -> Result<(), RtmpError> {
    let mut bytes = BytesMut::new();
    // rml_rtmp has told that its chunks have 4096 bytes.
    chunk::write(&mut bytes, CONTROL_LANE, kind, 0, body, 4096);
    client.input(&bytes)
}

fn status(level: &str, code: &str, description: &str) -> BytesMut {
    let text = |s: &str| Value::String(s.to_owned());
    let about = [("level", level), ("code", code), ("description", description)];
    let about = Value::Object(about.map(|(key, value)| (key.to_owned(), text(value))).into());
    let mut body = BytesMut::new();
    write_values(&mut body, &[text("onStatus"), Value::Number(0.0), Value::Null, about]).unwrap();
    body
}

#[test]
fn a_servers_pings_and_windows_are_answered() {
    let mut client = publishing();
    server_says(&mut client, USER_CONTROL, b"\x00\x06abcd").unwrap();
    assert!(client.output().split().ends_with(b"\x04\0\0\0\0\x00\x07abcd"));
    server_says(&mut client, WINDOW_SIZE, &5000_u32.to_be_bytes()).unwrap();
    client.acknowledged = client.received;
    server_says(&mut client, 99, &[0; 4000]).unwrap();
    assert!(client.output().is_empty());
    server_says(&mut client, 99, &[0; 1000]).unwrap();
    assert_eq!(client.output().len(), 12 + 4);
}

#[test]
fn a_stream_that_the_server_ends_is_refused_and_its_words_fit_a_line() {
    let mut client = publishing();
    server_says(&mut client, COMMAND, &status("status", "NetStream.Unpublish.Success", "")).unwrap();
    let long = format!("no\nmore {}", "x".repeat(2000));
    let told =
        server_says(&mut client, COMMAND, &status("error", "NetStream.Publish.Denied", &long)).unwrap_err();
    let RtmpError::Refused(words) = told else { panic!("{told:?}") };
    assert!(words.starts_with("NetStream.Publish.Denied: no more x") && words.len() == MAX_REASON, "{words}");
}

/// Bytes of a server for the client, in any pieces: no harm, and an answer no longer than in proportion.
fn harmless(bytes: &[u8], cuts: &[usize]) {
    let mut client = client();
    let mut rest = bytes;
    for cut in cuts.iter().chain([&usize::MAX]) {
        let (piece, behind) = rest.split_at((*cut).min(rest.len()));
        rest = behind;
        if client.input(piece).is_err() {
            break;
        }
        client.send(TagKind::Audio, 0, b"\xaf\x01");
    }
    client.unpublish();
    assert!(client.output().len() <= 20_000 + 3 * bytes.len() + 20 * cuts.len());
}

proptest! {
    #[test]
    fn a_server_that_says_anything_does_no_harm(
        bytes in prop::collection::vec(any::<u8>(), 0..4000),
        greets in any::<bool>(),
        cuts in prop::collection::vec(0_usize..500, 0..20),
    ) {
        let greeting = if greets { [&[VERSION][..], &[0; 2 * HANDSHAKE_LEN]].concat() } else { Vec::new() };
        harmless(&[greeting, bytes].concat(), &cuts);
    }

    #[test]
    fn a_servers_damaged_answers_do_no_harm(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cuts in prop::collection::vec(0_usize..500, 0..20),
    ) {
        let (mut bytes, _) = talk(&mut client(), &mut Peer::new(None), usize::MAX);
        for (at, value) in damage {
            // Behind the handshake.
            let at = 1 + 2 * HANDSHAKE_LEN + at.index(bytes.len() - 1 - 2 * HANDSHAKE_LEN);
            bytes[at] = value;
        }
        harmless(&bytes, &cuts);
    }
}
