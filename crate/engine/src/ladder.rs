//! Which decoder a configuration gets: the rungs that there are for it, and the way down.
//!
//! The browser's own decoder first, a software decoder below it. What fails before it gave anything is left at once; what has
//! worked is tried once more from the last keyframe, and left when that gives nothing either. Where a codec has failed on a
//! rung, it does not come back to it in this load. It makes no decoder and keeps no time: it says which, its owner when.

use sailcast_media::{Codec, DecoderConfig};

use crate::io::DecoderPath;

/// Codec strings that are remembered.
const MEMORY: usize = 16;

/// What the page wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DecoderChoice {
    /// The browser's, and software where that does not work.
    #[default]
    Auto,
    /// Never software.
    WebCodecs,
    /// Only software.
    Wasm,
}

/// Which of WebCodecs' decoders the page has at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WebCodecs {
    pub video: bool,
    pub audio: bool,
}

impl WebCodecs {
    pub const BOTH: Self = Self { video: true, audio: true };
    /// In an insecure context, and in old browsers.
    pub const NONE: Self = Self { video: false, audio: false };
}

/// Why a decoder is on another path than the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathReason {
    /// The page's choice.
    Forced,
    /// The browser has no decoders of that kind.
    Unavailable,
    /// The decoder refused the configuration, or failed before it gave anything.
    Unsupported,
    /// It took packets and gave nothing in its time.
    NoOutput,
    /// It does not begin where this stream lets decoding begin: at a recovery point without an IDR picture.
    Keyframe,
    /// It failed after it had worked, and again from the last keyframe on.
    Failed,
    /// Another configuration or connection came, for which the ladder begins at the top again.
    Configuration,
}

impl PathReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::NoOutput => "noOutput",
            Self::Keyframe => "keyframe",
            Self::Failed => "failed",
            Self::Configuration => "configuration",
        }
    }
}

/// There is a software decoder for it: a module in `crate/codec`, or the engine itself.
pub const fn has_software(codec: Codec) -> bool {
    match codec {
        Codec::Avc | Codec::Hevc | Codec::Aac | Codec::Mp3 | Codec::Opus | Codec::Flac => true,
        Codec::G711A | Codec::G711U => true,
        Codec::Av1 | Codec::Vp9 | Codec::Vp8 | Codec::Ac3 | Codec::Eac3 => false,
    }
}

/// The engine decodes it, and asks nobody for a decoder.
pub const fn is_own(codec: Codec) -> bool {
    matches!(codec, Codec::G711A | Codec::G711U)
}

/// One kind's ladder, for one load.
#[derive(Debug, Default)]
pub struct Ladder {
    choice: DecoderChoice,
    /// The browser has no decoders of this kind.
    unavailable: bool,
    /// Codec strings that do not work with WebCodecs.
    failed: Vec<(String, PathReason)>,
}

impl Ladder {
    pub fn new(choice: DecoderChoice, available: bool) -> Self {
        Self { choice, unavailable: !available, failed: Vec::new() }
    }

    /// The highest rung for it that has not failed, and what keeps it from the top. `None`: there is none.
    pub fn path(&self, config: &DecoderConfig) -> Option<(DecoderPath, Option<PathReason>)> {
        match self.barred(config) {
            None => Some((DecoderPath::WebCodecs, None)),
            Some(why) => self.has_software_for(config).then_some((DecoderPath::Wasm, Some(why))),
        }
    }

    /// It does not work on that rung: leaves it, where there is one below.
    pub fn step_down(&mut self, config: &DecoderConfig, path: DecoderPath, why: PathReason) -> bool {
        let is_lowest = path == DecoderPath::Wasm || !self.has_software_for(config);
        if is_lowest || self.failure(config).is_some() {
            return false;
        }
        if self.failed.len() >= MEMORY {
            self.failed.remove(0);
        }
        self.failed.push((config.codec_string.clone(), why));
        true
    }

    /// Every rung has its chance again.
    pub fn forgive(&mut self) {
        self.failed.clear();
    }

    fn has_software_for(&self, config: &DecoderConfig) -> bool {
        self.choice != DecoderChoice::WebCodecs && has_software(config.codec)
    }

    /// Why WebCodecs is out of the question.
    fn barred(&self, config: &DecoderConfig) -> Option<PathReason> {
        if self.choice == DecoderChoice::Wasm {
            return Some(PathReason::Forced);
        }
        if self.unavailable {
            return Some(PathReason::Unavailable);
        }
        self.failure(config)
    }

    fn failure(&self, config: &DecoderConfig) -> Option<PathReason> {
        self.failed.iter().find(|(codec, _)| *codec == config.codec_string).map(|(_, why)| *why)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use sailcast_media::{CodecParams, VideoParams};

    use super::*;

    fn config(codec: Codec, codec_string: &str) -> DecoderConfig {
        let params = CodecParams::Video(VideoParams::of_size(2, 2));
        DecoderConfig { codec, codec_string: codec_string.into(), description: Bytes::new(), params }
    }

    const TOP: Option<(DecoderPath, Option<PathReason>)> = Some((DecoderPath::WebCodecs, None));

    fn wasm(why: PathReason) -> Option<(DecoderPath, Option<PathReason>)> {
        Some((DecoderPath::Wasm, Some(why)))
    }

    #[test]
    fn the_choice_and_the_browser_decide_where_it_begins() {
        let (avc, av1) = (config(Codec::Avc, "avc1.64001f"), config(Codec::Av1, "av01.0.08M.08"));
        for (choice, available, of_avc, of_av1) in [
            (DecoderChoice::Auto, true, TOP, TOP),
            (DecoderChoice::Auto, false, wasm(PathReason::Unavailable), None),
            (DecoderChoice::WebCodecs, true, TOP, TOP),
            (DecoderChoice::WebCodecs, false, None, None),
            (DecoderChoice::Wasm, true, wasm(PathReason::Forced), None),
            (DecoderChoice::Wasm, false, wasm(PathReason::Forced), None),
        ] {
            let ladder = Ladder::new(choice, available);
            assert_eq!((ladder.path(&avc), ladder.path(&av1)), (of_avc, of_av1), "{choice:?} {available}");
        }
    }

    #[test]
    fn a_step_down_is_for_the_codec_that_failed_and_only_where_there_is_a_rung_below() {
        let (main, high) = (config(Codec::Avc, "avc1.4d401f"), config(Codec::Avc, "avc1.64001f"));
        let mut ladder = Ladder::new(DecoderChoice::Auto, true);
        assert!(ladder.step_down(&main, DecoderPath::WebCodecs, PathReason::NoOutput));
        assert_eq!((ladder.path(&main), ladder.path(&high)), (wasm(PathReason::NoOutput), TOP));
        assert!(!ladder.step_down(&main, DecoderPath::Wasm, PathReason::Failed));
        let vp9 = config(Codec::Vp9, "vp09.00.10.08");
        assert!(!ladder.step_down(&vp9, DecoderPath::WebCodecs, PathReason::Unsupported));
        assert_eq!(ladder.path(&vp9), TOP);
        ladder.forgive();
        assert_eq!(ladder.path(&main), TOP);
    }

    #[test]
    fn codecs_without_number_are_forgotten_oldest_first() {
        let mut ladder = Ladder::new(DecoderChoice::Auto, true);
        for i in 0..100 {
            let codec = config(Codec::Avc, &format!("avc1.{i:06x}"));
            assert!(ladder.step_down(&codec, DecoderPath::WebCodecs, PathReason::Unsupported));
        }
        assert_eq!(ladder.failed.len(), MEMORY);
        assert_eq!(ladder.path(&config(Codec::Avc, "avc1.000000")), TOP);
        assert_eq!(ladder.path(&config(Codec::Avc, "avc1.000063")), wasm(PathReason::Unsupported));
    }
}
