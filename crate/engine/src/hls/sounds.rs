//! The sounds between which the viewer chooses: one list of them, whichever group a rendition of the picture names (4.4.6.1).
//!
//! **Invariant:** a sound has one number, its place in the playlist: the same name in the same language is the same sound in every
//! group that has it.

use sailcast_media::hls::{Rendition, RenditionKind, Variant};

use super::multivariant::is_video;
use crate::event::SoundInfo;

/// Numbers of tracks are bytes.
const MOST: usize = 256;

#[derive(Debug)]
pub struct Sounds(Vec<Sound>);

#[derive(Debug)]
struct Sound {
    info: SoundInfo,
    /// As each group has it.
    places: Vec<Rendition>,
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
        for rendition in renditions {
            let named = variants.iter().find(|variant| variant.audio.as_ref() == Some(&rendition.group));
            let Some(variant) = named.filter(|_| rendition.kind == RenditionKind::Audio) else { continue };
            let known = list.iter_mut().find(|sound| {
                sound.info.label == rendition.name && sound.info.language == rendition.language
            });
            if let Some(known) = known {
                known.places.push(rendition);
            } else if list.len() < MOST {
                let sound = variant.codecs.iter().filter(|codec| !is_video(codec));
                let info = SoundInfo {
                    number: u8::try_from(list.len()).unwrap_or_default(),
                    label: rendition.name.clone(),
                    language: rendition.language.clone(),
                    codecs: sound.map(String::as_str).collect::<Vec<_>>().join(","),
                };
                list.push(Sound { info, places: vec![rendition] });
            }
        }
        Self(list)
    }

    pub fn infos(&self) -> impl Iterator<Item = SoundInfo> {
        self.0.iter().map(|sound| sound.info.clone())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn has(&self, number: u8) -> bool {
        usize::from(number) < self.0.len()
    }

    /// How the viewer knows it.
    pub fn label(&self, number: u8) -> &str {
        self.0.get(usize::from(number)).map_or("", |sound| sound.info.label.as_str())
    }

    /// What of a group is heard: `wanted`, or what is in its language, or the default one, or the first that may be chosen without the
    /// viewer. Of those that `failed` none, unless all did. `None` where it has none.
    pub fn choose(&self, group: &str, wanted: Option<u8>, failed: &[u8]) -> Option<Chosen> {
        let language = wanted.and_then(|number| self.0.get(usize::from(number))?.info.language.as_ref());
        let mut best: Option<([bool; 5], Chosen)> = None;
        for Sound { info, places } in &self.0 {
            let Some(place) = places.iter().find(|place| place.group == group) else { continue };
            let is_other = language.is_none() || info.language.as_ref() != language;
            let has_failed = failed.contains(&info.number);
            let order =
                [has_failed, Some(info.number) != wanted, is_other, !place.is_default, !place.autoselect];
            if best.as_ref().is_none_or(|(least, _)| order < *least) {
                best = Some((order, Chosen { number: info.number, uri: place.uri.clone() }));
            }
        }
        best.map(|(_, chosen)| chosen)
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
