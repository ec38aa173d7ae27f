//! The extended headers of enhanced FLV: `ExVideoTagHeader` and `ExAudioTagHeader` of "Enhanced RTMP v2" (sections
//! "Enhanced Video" and "Enhanced Audio").
//!
//! **Invariant:** each [`Share`] lies within its body, behind the one before it, and their number is capped. What the bytes
//! of a share mean is not asked here.

use crate::{demux::SkipReason, flv::header, flv::tag::TagKind, read::ByteReader};

/// ModEx prefixes in a row that are followed before the tag is given up as unreadable.
const MAX_MOD_EX: usize = 8;
/// Tracks taken from one tag; as many as there are track ids.
const MAX_SHARES: usize = 256;
/// TimestampOffsetNano: less than a millisecond.
const NANOS: u32 = 1_000_000;

/// What stands before the data.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExHeader<'a> {
    /// VideoFrameType.Command: no video data follows.
    Command,
    Tracks {
        /// Of all tracks in the tag.
        packet_type: u8,
        /// Added to the presentation time.
        offset_nanos: u32,
        shares: Shares<'a>,
    },
}

/// One track's share of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share<'a> {
    pub fourcc: [u8; 4],
    pub track: u8,
    pub data: &'a [u8],
    pub place: Place,
}

/// Where the bytes of a share stand in the body, its own header included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub at: usize,
    pub len: usize,
}

impl<'a> ExHeader<'a> {
    /// Reads the header of a whole body whose first byte says that it is extended.
    pub fn read(kind: TagKind, body: &'a [u8]) -> Result<Self, SkipReason> {
        let mut r = ByteReader::new(body);
        let first = r.u8().ok_or(SkipReason::TooShort)?;
        let mut packet_type = first & 0x0f;
        let mut offset_nanos = 0;
        let mut prefixes = 0usize;
        while packet_type == header::EX_MOD_EX {
            prefixes = prefixes.saturating_add(1);
            if prefixes > MAX_MOD_EX {
                return Err(SkipReason::BadPacket);
            }
            let (mod_ex, data, next) = mod_ex(&mut r).ok_or(SkipReason::TooShort)?;
            if mod_ex == header::MOD_EX_TIMESTAMP_OFFSET_NANO
                && let Some(nanos) = data.first_chunk().map(|[a, b, c]| u32::from_be_bytes([0, *a, *b, *c]))
                && nanos < NANOS
            {
                offset_nanos = nanos;
            }
            packet_type = next;
        }
        let multitrack = match kind {
            TagKind::Video => {
                // "videoPacketType != Metadata && videoFrameType == Command"
                if packet_type != header::EX_VIDEO_METADATA && (first >> 4) & 7 == header::FRAME_COMMAND {
                    return Ok(Self::Command);
                }
                header::EX_VIDEO_MULTITRACK
            }
            _ => header::EX_AUDIO_MULTITRACK,
        };
        let mut layout = Layout::Single;
        if packet_type == multitrack {
            let byte = r.u8().ok_or(SkipReason::TooShort)?;
            packet_type = byte & 0x0f;
            layout = match byte >> 4 {
                header::ONE_TRACK => Layout::OneTrack,
                header::MANY_TRACKS => Layout::ManyTracks,
                header::MANY_TRACKS_MANY_CODECS => Layout::ManyTracksManyCodecs,
                _ => return Err(SkipReason::BadPacket),
            };
            // "This fetch MUST not result in a Multitrack", and a ModEx here has no size of its own.
            if packet_type == multitrack || packet_type == header::EX_MOD_EX {
                return Err(SkipReason::BadPacket);
            }
        }
        let fourcc = match layout {
            Layout::ManyTracksManyCodecs => None,
            _ => Some(r.array().ok_or(SkipReason::TooShort)?),
        };
        let shares = Shares { body_len: body.len(), rest: r, layout, fourcc, given: 0, ended: false };
        Ok(Self::Tracks { packet_type, offset_nanos, shares })
    }
}

/// A ModEx prefix: its type, its data, and the packet type behind it.
fn mod_ex<'a>(r: &mut ByteReader<'a>) -> Option<(u8, &'a [u8], u8)> {
    // modExDataSize - 1 in one byte or, where that says 256, in the two behind it.
    let size = match r.u8()? {
        u8::MAX => usize::from(r.u16()?),
        size => usize::from(size),
    };
    let data = r.bytes(size.saturating_add(1))?;
    let types = r.u8()?;
    Some((types >> 4, data, types & 0x0f))
}

/// AvMultitrackType, and the tag of one track without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    Single,
    OneTrack,
    ManyTracks,
    ManyTracksManyCodecs,
}

/// The tracks' shares of a tag: one at least, or an error at its place, behind which nothing comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares<'a> {
    body_len: usize,
    rest: ByteReader<'a>,
    layout: Layout,
    fourcc: Option<[u8; 4]>,
    given: usize,
    ended: bool,
}

impl<'a> Iterator for Shares<'a> {
    type Item = Result<Share<'a>, (Place, SkipReason)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended || (self.given > 0 && self.rest.is_empty()) {
            return None;
        }
        let left = self.rest.rest().len();
        let share = match self.given < MAX_SHARES {
            true => self.share().ok_or(SkipReason::TooShort),
            false => Err(SkipReason::BadPacket),
        };
        self.given = self.given.saturating_add(1);
        self.ended |= share.is_err() || matches!(self.layout, Layout::Single | Layout::OneTrack);
        // A tag of one track is that track's, header and all.
        let place = match self.ended && self.given == 1 {
            true => Place { at: 0, len: self.body_len },
            false => Place {
                at: self.body_len.saturating_sub(left),
                len: if share.is_err() { left } else { left.saturating_sub(self.rest.rest().len()) },
            },
        };
        Some(match share {
            Ok(share) => Ok(Share { place, ..share }),
            Err(why) => Err((place, why)),
        })
    }
}

impl<'a> Shares<'a> {
    fn share(&mut self) -> Option<Share<'a>> {
        let r = &mut self.rest;
        let fourcc = match self.fourcc {
            Some(fourcc) => fourcc,
            None => r.array()?,
        };
        let track = if self.layout == Layout::Single { 0 } else { r.u8()? };
        let data = match self.layout {
            Layout::Single | Layout::OneTrack => r.bytes(r.rest().len())?,
            _ => {
                let size = r.uint(3)? as usize;
                r.bytes(size)?
            }
        };
        Some(Share { fourcc, track, data, place: Place { at: 0, len: 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read<'a> = (u8, u32, Vec<Result<(u8, &'a [u8]), SkipReason>>);

    fn of(track: u8, data: &[u8]) -> Result<(u8, &[u8]), SkipReason> {
        Ok((track, data))
    }

    fn read(kind: TagKind, body: &[u8]) -> Result<Read<'_>, SkipReason> {
        match ExHeader::read(kind, body)? {
            ExHeader::Command => panic!("command"),
            ExHeader::Tracks { packet_type, offset_nanos, shares } => {
                let shares = shares.map(|s| s.map(|s| (s.track, s.data)).map_err(|(_, why)| why));
                Ok((packet_type, offset_nanos, shares.collect()))
            }
        }
    }

    #[test]
    fn the_plain_header_has_one_track() {
        assert_eq!(read(TagKind::Video, b"\x91avc1xyz"), Ok((1, 0, vec![of(0, b"xyz")])));
        assert_eq!(read(TagKind::Audio, b"\x90Opus"), Ok((0, 0, vec![of(0, b"")])));
        assert_eq!(read(TagKind::Audio, b"\x90Opu"), Err(SkipReason::TooShort));
    }

    #[test]
    fn the_three_forms_of_multitrack_are_read() {
        assert_eq!(read(TagKind::Video, b"\x96\x01avc1\x07xyz"), Ok((1, 0, vec![of(7, b"xyz")])));
        assert_eq!(
            read(TagKind::Video, b"\x96\x11avc1\x00\0\0\x02xy\x01\0\0\x00\x02\0\0\x01z"),
            Ok((1, 0, vec![of(0, b"xy"), of(1, b""), of(2, b"z")]))
        );
        assert_eq!(
            read(TagKind::Audio, b"\x95\x20mp4a\x00\0\0\x01xOpus\x09\0\0\x01y"),
            Ok((0, 0, vec![of(0, b"x"), of(9, b"y")]))
        );
    }

    #[test]
    fn a_track_that_passes_the_end_ends_its_tag() {
        let body = b"\x96\x11avc1\x00\0\0\x02xy\x01\0\0\x09z";
        assert_eq!(read(TagKind::Video, body).unwrap().2, [of(0, b"xy"), Err(SkipReason::TooShort)]);
        let Ok(ExHeader::Tracks { shares, .. }) = ExHeader::read(TagKind::Video, body) else { panic!() };
        let places: Vec<_> =
            shares.map(|s| s.map_or_else(|(place, _)| place, |s| s.place)).map(|p| (p.at, p.len)).collect();
        assert_eq!(places, [(6, 6), (12, 5)]);
        assert_eq!(read(TagKind::Video, b"\x96\x11avc1").unwrap().2, [Err(SkipReason::TooShort)]);
    }

    #[test]
    fn reserved_forms_are_no_guesses() {
        for body in [&b"\x96\x31avc1\x00"[..], b"\x96\x06avc1\x00", b"\x96\x07avc1\x00"] {
            assert_eq!(read(TagKind::Video, body), Err(SkipReason::BadPacket));
        }
    }

    #[test]
    fn mod_ex_prefixes_are_read_or_stepped_over() {
        let nano = |data: &[u8]| read(TagKind::Video, data).map(|(kind, nanos, _)| (kind, nanos));
        // 0x0f4240 is a million: a whole millisecond is no offset within one.
        assert_eq!(nano(b"\x97\x02\x00\x01\x00\x01avc1"), Ok((1, 256)));
        assert_eq!(nano(b"\x97\x02\x0f\x42\x40\x01avc1"), Ok((1, 0)));
        assert_eq!(nano(b"\x97\x01\x00\x01\x01avc1"), Ok((1, 0)), "too short for an offset");
        assert_eq!(nano(b"\x97\x00\xff\x57\x02\x00\x00\x09\x03avc1"), Ok((3, 9)), "behind one of type 5");
        let long = [b"\x97\xff\x01\x00".as_slice(), &[9; 257], b"\x51avc1"].concat();
        assert_eq!(nano(&long), Ok((1, 0)));
        assert_eq!(nano(b"\x97\xff\x01\x00abc"), Err(SkipReason::TooShort));
        let endless = [b"\x97".as_slice(), &[0, 0, 7].repeat(20)].concat();
        assert_eq!(nano(&endless), Err(SkipReason::BadPacket));
    }

    #[test]
    fn commands_have_no_tracks_but_metadata_may_say_command() {
        assert!(matches!(ExHeader::read(TagKind::Video, b"\xd1"), Ok(ExHeader::Command)));
        assert!(matches!(
            ExHeader::read(TagKind::Video, b"\xd4avc1"),
            Ok(ExHeader::Tracks { packet_type: 4, .. })
        ));
        assert!(matches!(ExHeader::read(TagKind::Audio, b"\xd1Opus"), Ok(ExHeader::Tracks { .. })));
    }
}
