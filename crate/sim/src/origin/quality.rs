//! One variant of the stream, and in what it differs from the others.

use std::borrow::Cow;

use sailcast_media::{Micros, TrackInfo};

use super::{Packager, Sound, media::Name};
use crate::{av1, synth};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pictures {
    Avc,
    /// In fMP4 alone, and of one size.
    Av1,
    None,
}

/// How the segments of one playlist differ from those of another.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Another length: other boundaries, under other numbers.
    pub segment: Option<Micros>,
    /// So much is added to the numbers.
    pub numbers: u64,
}

impl Cut {
    pub const ALIKE: Self = Self { segment: None, numbers: 0 };
}

#[derive(Clone, Copy, Debug)]
pub struct Quality {
    /// bit/s.
    pub bitrate: u64,
    pub width: u32,
    pub height: u32,
    pub fps: i64,
    pub pictures: Pictures,
    /// It has the sound that is muxed.
    pub sound: bool,
    pub cut: Cut,
    /// The multivariant playlist tells CODECS and RESOLUTION.
    pub is_told: bool,
}

impl Quality {
    pub const fn new(bitrate: u64, width: u32, height: u32) -> Self {
        Self {
            bitrate,
            width,
            height,
            fps: 25,
            pictures: Pictures::Avc,
            sound: true,
            cut: Cut::ALIKE,
            is_told: true,
        }
    }

    pub(super) fn codecs(&self, sound: Sound) -> Vec<String> {
        let pictures = match self.pictures {
            Pictures::Avc => Some("avc1.42c01f"),
            Pictures::Av1 => Some("av01.0.01M.08"),
            Pictures::None => None,
        };
        let sound = (self.sound || sound != Sound::Muxed).then_some("mp4a.40.2");
        pictures.into_iter().chain(sound).map(str::to_owned).collect()
    }

    /// Its pictures, in the size of behind so many changes of it.
    pub(super) fn track(&self, changes: u64) -> Option<TrackInfo> {
        match self.pictures {
            Pictures::Avc => Some(synth::avc(0, self.width + 16 * changes as u32, self.height)),
            Pictures::Av1 => Some(av1::track()),
            Pictures::None => None,
        }
    }
}

impl Packager {
    /// As this playlist has it.
    pub(super) fn of(&self, name: &str) -> Cow<'_, Self> {
        let cut = match Name::parse(name) {
            Some(Name::Quality(n)) => self.qualities.get(n).map_or(Cut::ALIKE, |quality| quality.cut),
            Some(Name::Sound(_)) => self.sound_cut,
            None => Cut::ALIKE,
        };
        if cut.segment.is_none() && cut.numbers == 0 {
            return Cow::Borrowed(self);
        }
        Cow::Owned(Self {
            segment: cut.segment.unwrap_or(self.segment),
            first_number: self.first_number + cut.numbers,
            ..self.clone()
        })
    }
}
