//! What holds of every codec's reader, whatever the bytes: it says something or nothing, within its bounds.

use proptest::prelude::*;

use super::*;

/// A codec, a configuration that is good for it, and packets in the order of a stream, by real encoders.
const STREAMS: [(Codec, &str, &[&str]); 13] = [
    (
        Codec::Avc,
        "0142c00dffe100176742c00dd90141fa1000000300100000030320f142a48001000568cb83cb20",
        &[
            "000000176742c00dd90141fa1000000300100000030320f142a4800000000568cb83cb20000000076605023132c48000000005658884\
             0abc",
            "00000001060000000d0605040102030406 01c4800000000541 9a381578",
            "000000016764001eacec0a02fea69b808080a0000003002000000641e2c5a70000000168eae3cb22c00000016588840abc",
        ],
    ),
    (
        Codec::Hevc,
        "0101600000009000000000003ff000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003f959009a1000100\
         2d42010101600000030090000003000003003fa005020169d56595924932b9a80808082000000300200000030321a2000100074401c172b46240",
        &[
            "000000042801af1d",
            "000000032a01af000000031201e0",
            "0000000140010c01ffff01600000030090000003000003003f9590090000000142010101600000030090000003000003003fa005020169d5\
             6595924932b9a80808082000000300200000030321000000014401c172b46240000000014e01900403e8019080000000012801af1d",
        ],
    ),
    (
        Codec::Av1,
        "81010c000a0e0000000cc4fb6512be4404040410",
        &[
            "12000a0e0000000cc4fb6512be440404041032061000 88a080c3",
            "1200320628040024924932063003000924db",
            "1a01b8",
        ],
    ),
    (
        Codec::Vp9,
        "01000000001480021009 000000",
        &["824983425027d016560838241c18", "86004092f181860000 92f181c10603c1"],
    ),
    (Codec::Vp8, "", &["3081009d012a7e02660102c7", "f126000f11"]),
    (
        Codec::Aac,
        "139056e5a0",
        &["216c d602", "fff15080015ffc216cd6fff15080011ffc2101", "fff05c80017ffcaabb216cd6"],
    ),
    (Codec::Mp3, "", &["fffb90640000022bfffb9064", "fff340c4000ff002", "fffb00640000"]),
    (Codec::G711A, "", &["d5d5d5d5"]),
    (Codec::G711U, "", &["ffffff"]),
    (Codec::Opus, "4f707573486561640106380180bb00000000010402000401020305", &["fc76ffe4", "fb06ffff", "00"]),
    (
        Codec::Flac,
        "664c614380000022120012000040910040a50bb802f000009000ca7bab268153f31c0c14bffac7ccd908",
        &["fff85aa8009940ec1b", "fff85958003040eb6c"],
    ),
    (Codec::Ac3, "", &["0b77fe7c1e40ebf8403eff99", "0b77a362544043e106f5", "0b77037f3f87c00020f8"]),
    (Codec::Eac3, "", &["0b77037f3f87c00020f80000"]),
];

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks_exact(2).map(byte).collect()
}

/// A change to one of a stream's parts.
#[derive(Clone, Debug)]
enum Change {
    Set { at: prop::sample::Index, byte: u8 },
    Flip { at: prop::sample::Index, bit: u8 },
    Cut { at: prop::sample::Index },
    Insert { at: prop::sample::Index, bytes: Vec<u8> },
}

impl Change {
    fn apply(&self, part: &mut Vec<u8>) {
        match self {
            Self::Set { at, byte } if !part.is_empty() => *at.get_mut(part) = *byte,
            Self::Flip { at, bit } if !part.is_empty() => *at.get_mut(part) ^= 1 << (bit & 7),
            Self::Cut { at } => part.truncate(at.index(part.len() + 1)),
            Self::Insert { at, bytes } => {
                let at = at.index(part.len() + 1);
                part.splice(at..at, bytes.iter().copied());
            }
            _ => {}
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set { at, byte }),
        (at(), any::<u8>()).prop_map(|(at, bit)| Change::Flip { at, bit }),
        at().prop_map(|at| Change::Cut { at }),
        (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
    ]
}

/// A codec, its configuration and its packets, some of them changed.
fn damaged() -> impl Strategy<Value = (Codec, Vec<Vec<u8>>)> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), change()), 0..6);
    (0..STREAMS.len(), changes).prop_map(|(stream, changes)| {
        let (codec, config, packets) = STREAMS[stream];
        let mut parts: Vec<_> = [config].iter().chain(packets).map(|hex| bytes_of(hex)).collect();
        for (part, change) in changes {
            change.apply(part.get_mut(&mut parts));
        }
        (codec, parts)
    })
}

fn check(codec: Codec, parts: &[Vec<u8>]) {
    let mut track = TrackState::new(codec);
    let mut configured = false;
    for (i, part) in parts.iter().enumerate() {
        let bytes = Bytes::from(part.clone());
        if i == 0 {
            configured = matches!(track.configure(bytes), Ok(Some(_)));
            continue;
        }
        if bytes.is_empty() {
            continue;
        }
        let Ok(facts) = track.packet(bytes) else { continue };
        configured |= facts.config.is_some();
        assert!(facts.units.is_empty() || configured, "a unit before its configuration");
        for unit in &facts.units {
            assert!(!unit.data.is_empty(), "an empty unit");
            assert!(unit.data.len() <= 2 * part.len() + 4096, "{} of {} bytes", unit.data.len(), part.len());
        }
        let told: usize = facts.sei.iter().map(|sei| sei.payload.len()).sum();
        assert!(told <= part.len() + 4096, "{told} bytes of messages");
    }
}

#[test]
fn the_streams_as_they_are_can_be_decoded() {
    for (codec, config, packets) in STREAMS {
        let mut track = TrackState::new(codec);
        track.configure(bytes_of(config).into()).unwrap();
        let facts = track.packet(bytes_of(packets[0]).into()).unwrap();
        assert!(facts.units[0].keyframe, "{codec:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_streams_stay_within_bounds((codec, parts) in damaged()) {
        check(codec, &parts);
    }

    #[test]
    fn any_bytes_stay_within_bounds(
        stream in 0..STREAMS.len(),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..80), 1..5),
    ) {
        check(STREAMS[stream].0, &parts);
    }
}
