//! The renditions of a multivariant playlist: which can be played, in what order, and the sounds that go with them.

use sailcast_media::hls::{MultivariantPlaylist, Start, Variables, Variant};

use super::sounds::Sounds;
use crate::{abr::Level, event::RenditionInfo};

/// Whether what a CODECS attribute names can be decoded here.
pub type Decodable = fn(&str) -> bool;

/// The codecs that playback has a decoder for, by the names of RFC 6381.
pub fn decodable(codec: &str) -> bool {
    let family = family(codec);
    VIDEO.contains(&family) || SOUND.contains(&family)
}

const VIDEO: [&str; 9] = ["avc1", "avc3", "hvc1", "hev1", "av01", "vp08", "vp09", "vp8", "vp9"];
const SOUND: [&str; 6] = ["mp4a", "mp3", "opus", "Opus", "flac", "fLaC"];
/// Pictures that are only known as such: Dolby Vision without a base that others read.
const OTHER_VIDEO: [&str; 2] = ["dvh1", "dvhe"];

/// What stands before the first dot.
fn family(codec: &str) -> &str {
    codec.split('.').next().unwrap_or(codec)
}

/// One quality, from one address or several.
#[derive(Clone, Debug, PartialEq)]
pub struct Quality {
    /// The preferred one first.
    pub uris: Vec<String>,
    pub info: RenditionInfo,
    pub level: Level,
    /// The group of its sounds, where it names one.
    pub sounds: Option<String>,
}

#[derive(Debug)]
pub struct Qualities {
    pub list: Vec<Quality>,
    pub sounds: Sounds,
    pub start: Option<Start>,
    pub variables: Variables,
}

impl Qualities {
    /// Of what can be decoded; where nothing can, of all: decoders have the last word.
    pub fn new(playlist: MultivariantPlaylist, decodable: Decodable) -> Self {
        let has_picture = playlist.variants.iter().any(is_picture);
        let fits = |v: &&Variant| v.codecs.iter().all(|codec| decodable(codec));
        // One of sound alone would take the picture away.
        let wanted = |v: &&Variant| is_picture(v) == has_picture;
        let mut variants: Vec<&Variant> = playlist.variants.iter().filter(wanted).filter(fits).collect();
        if variants.is_empty() {
            variants = playlist.variants.iter().collect();
        }
        let sounds = Sounds::new(&variants, playlist.renditions);
        let mut list: Vec<Quality> = Vec::new();
        for variant in variants {
            // The same picture with another sound.
            if list.iter().any(|known| known.uris.contains(&variant.uri)) {
                continue;
            }
            let quality = Quality::new(list.len(), variant);
            match list.iter_mut().find(|known| known.is_same(&quality)) {
                Some(known) => known.uris.push(variant.uri.clone()),
                None => list.push(quality),
            }
        }
        Self { list, sounds, start: playlist.start, variables: playlist.variables }
    }

    pub fn levels(&self) -> Vec<Level> {
        self.list.iter().map(|quality| quality.level).collect()
    }

    pub fn infos(&self) -> Vec<RenditionInfo> {
        self.list.iter().map(|quality| quality.info.clone()).collect()
    }
}

impl Quality {
    fn new(index: usize, variant: &Variant) -> Self {
        let name = variant.name.clone().or_else(|| variant.height.map(|height| format!("{height}p")));
        let info = RenditionInfo {
            id: u32::try_from(index).unwrap_or(u32::MAX),
            name: name.unwrap_or_else(|| format!("{} kbit/s", variant.bandwidth / 1000)),
            bitrate: Some(variant.bandwidth),
            width: variant.width,
            height: variant.height,
            frame_rate: variant.frame_rate,
            codecs: variant.codecs.join(","),
        };
        let level = Level {
            bitrate: variant.bandwidth,
            width: variant.width,
            height: variant.height,
            frame_rate: variant.frame_rate,
            excluded: false,
        };
        Self { uris: vec![variant.uri.clone()], info, level, sounds: variant.audio.clone() }
    }

    /// The profile of its pictures, where that is told: what decodes one decodes another.
    pub fn profile(&self) -> Option<(&str, &str)> {
        let of_pictures = |codec: &&str| VIDEO.contains(&family(codec));
        let (family, rest) = self.info.codecs.split(',').find(of_pictures)?.split_once('.')?;
        let profile = rest.split('.').next()?;
        // Of AVC the level follows in the same word.
        Some((family, profile.get(..2).unwrap_or(profile)))
    }

    /// The same from another address (redundant variants).
    fn is_same(&self, other: &Self) -> bool {
        let of = |quality: &Self| RenditionInfo { id: 0, ..quality.info.clone() };
        of(self) == of(other)
    }
}

/// Of pictures.
pub fn is_video(codec: &str) -> bool {
    let family = family(codec);
    VIDEO.contains(&family) || OTHER_VIDEO.contains(&family)
}

fn is_picture(variant: &Variant) -> bool {
    let is_video = |codec: &String| is_video(codec);
    variant.height.is_some() || variant.codecs.is_empty() || variant.codecs.iter().any(is_video)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variant(uri: &str, bandwidth: u64, height: Option<u32>, codecs: &[&str]) -> Variant {
        Variant {
            uri: uri.into(),
            bandwidth,
            height,
            codecs: codecs.iter().map(|c| (*c).into()).collect(),
            ..Variant::default()
        }
    }

    fn of(variants: Vec<Variant>) -> Vec<(String, usize)> {
        let playlist = MultivariantPlaylist { variants, ..MultivariantPlaylist::default() };
        let qualities = Qualities::new(playlist, decodable);
        qualities.list.iter().map(|q| (q.info.name.clone(), q.uris.len())).collect()
    }

    #[test]
    fn what_cannot_be_decoded_and_what_has_no_picture_is_left_out() {
        let list = of(vec![
            variant("a", 1, Some(360), &["avc1.64001e", "mp4a.40.2"]),
            variant("b", 2, Some(720), &["dvh1.05.01"]),
            variant("c", 1, None, &["mp4a.40.2"]),
            variant("d", 3, Some(720), &[]),
        ]);
        assert_eq!(list, [("360p".into(), 1), ("720p".into(), 1)]);
    }

    #[test]
    fn sound_alone_is_played_where_there_is_nothing_else() {
        assert_eq!(of(vec![variant("c", 64_000, None, &["mp4a.40.2"])]), [("64 kbit/s".into(), 1)]);
    }

    #[test]
    fn the_same_variant_from_another_server_is_another_address_of_it() {
        let twice = vec![variant("a", 5, Some(720), &["avc1"]), variant("b", 5, Some(720), &["avc1"])];
        assert_eq!(of(twice), [("720p".into(), 2)]);
    }
}
