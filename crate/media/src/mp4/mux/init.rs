//! The init segment: `ftyp`, and a `moov` that says what the tracks are and leaves the rest to fragments.

use bytes::{BufMut, BytesMut};

use super::{
    Track,
    boxes::{put, put_full},
};
use crate::{
    mp4::matrix::{self, IDENTITY},
    packet::{Codec, Turn},
};

/// Of `mvhd`, where nothing is counted in it.
const MOVIE_TIMESCALE: u32 = 1000;
/// track_enabled, track_in_movie, track_in_preview.
const TRACK_ENABLED: u32 = 7;
/// "und" in three times five bits.
const LANGUAGE_UNDETERMINED: u16 = 0x55c4;
/// 1.0 in 8.8.
const FULL_VOLUME: u16 = 0x0100;

pub fn write(out: &mut BytesMut, tracks: &[Track]) {
    file_type(out, tracks);
    put(out, b"moov", |out| {
        movie_header(out, tracks);
        for track in tracks {
            put(out, b"trak", |out| track_box(out, track));
        }
        put(out, b"mvex", |out| tracks.iter().for_each(|track| track_extends(out, track)));
    });
}

fn file_type(out: &mut BytesMut, tracks: &[Track]) {
    put(out, b"ftyp", |out| {
        out.put_slice(b"iso6");
        out.put_u32(0);
        out.put_slice(b"iso6mp41");
        if tracks.len() == 1 {
            out.put_slice(b"cmfccmf2");
        }
        if tracks.iter().any(|track| track.codec == Codec::Av1) {
            out.put_slice(b"av01");
        }
    });
}

fn movie_header(out: &mut BytesMut, tracks: &[Track]) {
    put_full(out, b"mvhd", 0, 0, |out| {
        out.put_u64(0); // creation and modification
        out.put_u32(MOVIE_TIMESCALE);
        out.put_u32(0); // duration
        out.put_u32(0x0001_0000); // rate 1.0
        out.put_u16(FULL_VOLUME);
        out.put_bytes(0, 10);
        IDENTITY.into_iter().for_each(|number| out.put_i32(number));
        out.put_bytes(0, 24);
        let last = tracks.iter().map(|track| track.number).max().unwrap_or_default();
        out.put_u32(last.saturating_add(1)); // next_track_ID
    });
}

fn track_box(out: &mut BytesMut, track: &Track) {
    put_full(out, b"tkhd", 0, TRACK_ENABLED, |out| {
        out.put_u64(0);
        out.put_u32(track.number);
        out.put_u64(0); // reserved, duration
        out.put_u64(0);
        out.put_u32(0); // layer, alternate_group
        out.put_u16(if track.picture.is_some() { 0 } else { FULL_VOLUME });
        out.put_u16(0);
        let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
        let (turn, width, height) = match track.picture {
            Some(picture) => (picture.turn, side(picture.width), side(picture.height)),
            None => (Turn::NONE, 0, 0),
        };
        matrix::of(turn, (width, height)).into_iter().for_each(|number| out.put_i32(number));
        for side in [width, height] {
            out.put_u32(u32::from(side) << 16);
        }
    });
    put(out, b"mdia", |out| {
        put_full(out, b"mdhd", 0, 0, |out| {
            out.put_u64(0);
            out.put_u32(track.timescale);
            out.put_u32(0); // duration
            out.put_u16(LANGUAGE_UNDETERMINED);
            out.put_u16(0);
        });
        let (handler, name): (&[u8], &[u8]) = match track.picture {
            Some(_) => (b"vide", b"VideoHandler\0"),
            None => (b"soun", b"SoundHandler\0"),
        };
        put_full(out, b"hdlr", 0, 0, |out| {
            out.put_u32(0);
            out.put_slice(handler);
            out.put_bytes(0, 12);
            out.put_slice(name);
        });
        put(out, b"minf", |out| media_information(out, track));
    });
}

fn media_information(out: &mut BytesMut, track: &Track) {
    match track.picture {
        Some(_) => put_full(out, b"vmhd", 0, 1, |out| out.put_u64(0)),
        None => put_full(out, b"smhd", 0, 0, |out| out.put_u32(0)),
    }
    put(out, b"dinf", |out| {
        put_full(out, b"dref", 0, 0, |out| {
            out.put_u32(1);
            put_full(out, b"url ", 0, 1, |_| {}); // in this file
        });
    });
    put(out, b"stbl", |out| {
        put_full(out, b"stsd", 0, 0, |out| {
            out.put_u32(1);
            out.put_slice(&track.entry);
        });
        for table in [b"stts", b"stsc", b"stco"] {
            put_full(out, table, 0, 0, |out| out.put_u32(0));
        }
        put_full(out, b"stsz", 0, 0, |out| out.put_u64(0));
    });
}

fn track_extends(out: &mut BytesMut, track: &Track) {
    put_full(out, b"trex", 0, 0, |out| {
        out.put_u32(track.number);
        out.put_u32(1); // default_sample_description_index
        // Duration, size and flags: each fragment has its own.
        out.put_bytes(0, 12);
    });
}
