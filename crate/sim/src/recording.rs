//! Recordings for the virtual file server: pictures and sound that are empty but for their times.

use bytes::Bytes;
use sailcast_media::{MediaTime, Message, Metadata, Value};

use crate::synth::{self, Synth};

/// 25 pictures a second, and sound.
#[derive(Clone, Copy, Debug)]
pub struct Recording {
    pub seconds: i64,
    /// Pictures from one keyframe to the next.
    pub gop: i64,
    /// Bytes of a picture; a keyframe has five times as many.
    pub picture: usize,
    pub pictures: bool,
    pub sound: bool,
    /// Its metadata says how long it is.
    pub says_duration: bool,
}

impl Default for Recording {
    fn default() -> Self {
        Self { seconds: 60, gop: 50, picture: 4_000, pictures: true, sound: true, says_duration: true }
    }
}

impl Recording {
    pub fn flv(self) -> Bytes {
        let end = self.seconds * 1000;
        let mut synth = Synth::default();
        if self.says_duration {
            let fields = vec![("duration".to_owned(), Value::Number(self.seconds as f64))];
            let message = Message::Script { name: "onMetaData".into(), values: vec![Value::Object(fields)] };
            synth = synth.message(Metadata { time: MediaTime(i64::MIN), track: None, message });
        }
        if self.pictures {
            let size = |keyframe| if keyframe { self.picture * 5 } else { self.picture };
            let pictures = synth::pictures(0, 0, end, self.gop);
            let pictures = pictures.into_iter().map(|p| synth::sized(p.clone(), size(p.keyframe)));
            synth = synth.track(0, synth::avc(0, 640, 480)).packets(pictures);
        }
        if self.sound {
            let sound = synth::sound(0, 0, end, 1024.0 / 0.048, &[0x21; 100]);
            synth = synth.track(0, synth::aac(0, 48_000, 2)).packets(sound);
        }
        synth.recording()
    }
}
