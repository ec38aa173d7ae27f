//! The sounds between which the viewer chooses: one list of them, whichever group a rendition of the picture names (4.4.6.1).
//!
//! **Invariant:** a sound has one number, its place in the playlist: the same name in the same language is the same sound in every
//! group that has it.

use sailcast_media::hls::{Rendition, RenditionKind, Variant};

use super::multivariant::is_video;
use crate::event::SoundInfo;

/// In the order of the playlist.
#[derive(Debug)]
pub struct Sounds(Vec<Sound>);

/// As one group has it.
#[derive(Debug)]
struct Sound {
    number: u8,
    rendition: Rendition,
    codecs: String,
}

/// What is heard with a rendition of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub number: u8,
    /// Its playlist; `None`: it is in the segments of the picture.
    pub uri: Option<String>,
}

impl Sounds {
    /// Those of the groups that are named.
    pub fn new(variants: &[&Variant], renditions: Vec<Rendition>) -> Self {
        let mut list: Vec<Sound> = Vec::new();
        let mut next = Some(0u8);
        for rendition in renditions {
            let named = variants.iter().find(|variant| variant.audio.as_ref() == Some(&rendition.group));
            let Some(variant) = named.filter(|_| rendition.kind == RenditionKind::Audio) else { continue };
            let is_same = |Sound { rendition: known, .. }: &&Sound| {
                known.name == rendition.name && known.language == rendition.language
            };
            let Some(number) = list.iter().find(is_same).map(|known| known.number).or(next) else { continue };
            if Some(number) == next {
                next = number.checked_add(1);
            }
            let codecs: Vec<&str> =
                variant.codecs.iter().map(String::as_str).filter(|codec| !is_video(codec)).collect();
            list.push(Sound { number, rendition, codecs: codecs.join(",") });
        }
        Self(list)
    }

    /// Each once, as it is listed first.
    pub fn infos(&self) -> impl Iterator<Item = SoundInfo> {
        let first =
            |(at, sound): &(usize, &Sound)| !self.0.iter().take(*at).any(|s| s.number == sound.number);
        self.0.iter().enumerate().filter(first).map(|(_, Sound { number, rendition, codecs })| SoundInfo {
            number: *number,
            label: rendition.name.clone(),
            language: rendition.language.clone(),
            codecs: codecs.clone(),
        })
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn get(&self, number: u8) -> Option<&Rendition> {
        self.0.iter().find(|sound| sound.number == number).map(|sound| &sound.rendition)
    }

    pub fn has(&self, number: u8) -> bool {
        self.get(number).is_some()
    }

    /// How the viewer knows it.
    pub fn label(&self, number: u8) -> &str {
        self.get(number).map_or("", |rendition| rendition.name.as_str())
    }

    /// What of a group is heard: `wanted`, or what is in its language, or the default one, or the first that may be chosen without the
    /// viewer. Of those that `failed` none, unless all did. `None` where it has none.
    pub fn choose(&self, group: &str, wanted: Option<u8>, failed: &[u8]) -> Option<Chosen> {
        let language = wanted.and_then(|number| self.get(number)?.language.as_ref());
        let of_group = self.0.iter().filter(|sound| sound.rendition.group == group);
        let best = of_group.min_by_key(|Sound { number, rendition, .. }| {
            let is_other = language.is_none() || rendition.language.as_ref() != language;
            let is_unwanted = [failed.contains(number), Some(*number) != wanted, is_other];
            (is_unwanted, !rendition.is_default, !rendition.autoselect)
        });
        best.map(|Sound { number, rendition, .. }| Chosen { number: *number, uri: rendition.uri.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendition(group: &str, name: &str, language: &str, is_default: bool) -> Rendition {
        Rendition {
            kind: RenditionKind::Audio,
            group: group.into(),
            name: name.into(),
            language: (!language.is_empty()).then(|| language.into()),
            uri: Some(format!("{group}/{name}")),
            is_default,
            autoselect: true,
            characteristics: Vec::new(),
            channels: None,
        }
    }

    fn sounds() -> Sounds {
        let variant = |group: &str, codecs: [&str; 2]| Variant {
            audio: Some(group.into()),
            codecs: codecs.map(str::to_owned).into(),
            ..Variant::default()
        };
        let (low, high) = (variant("low", ["avc1", "mp4a.40.5"]), variant("high", ["avc1", "mp4a.40.2"]));
        let renditions = vec![
            rendition("low", "English", "en", false),
            rendition("low", "Deutsch", "de", true),
            rendition("unnamed", "Klingon", "tlh", true),
            rendition("high", "Deutsch", "de", true),
            rendition("high", "Director", "en", false),
            rendition("high", "Music", "", false),
        ];
        Sounds::new(&[&low, &high], renditions)
    }

    fn chosen(group: &str, wanted: Option<u8>, failed: &[u8]) -> (u8, String) {
        let chosen = sounds().choose(group, wanted, failed).expect("a sound");
        (chosen.number, chosen.uri.unwrap_or_default())
    }

    #[test]
    fn the_same_name_and_language_is_the_same_sound_in_every_group() {
        let list: Vec<_> = sounds().infos().map(|info| (info.number, info.label, info.codecs)).collect();
        let names: Vec<&str> = list.iter().map(|(_, label, _)| label.as_str()).collect();
        assert_eq!(names, ["English", "Deutsch", "Director", "Music"]);
        assert_eq!(list[1], (1, "Deutsch".into(), "mp4a.40.5".into()));
        assert_eq!(chosen("low", Some(1), &[]), (1, "low/Deutsch".into()));
        assert_eq!(chosen("high", Some(1), &[]), (1, "high/Deutsch".into()));
    }

    #[test]
    fn what_a_group_does_not_have_is_heard_in_the_same_language_or_else_by_default() {
        assert_eq!(chosen("high", Some(0), &[]).0, 2);
        assert_eq!(chosen("low", Some(3), &[]).0, 1);
        assert_eq!(chosen("low", None, &[]).0, 1);
        assert_eq!(chosen("low", Some(200), &[]).0, 1);
    }

    #[test]
    fn what_failed_is_chosen_only_where_all_have() {
        assert_eq!(chosen("low", None, &[1]).0, 0);
        assert_eq!(chosen("low", Some(0), &[0, 1]).0, 0);
    }
}
