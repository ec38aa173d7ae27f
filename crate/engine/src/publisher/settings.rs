//! What the page asks for, already merged and within its ranges (`www/src/publisher/config.ts` does both).

use sailcast_media::{Codec, Micros};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub video: VideoSettings,
    pub audio: AudioSettings,
    /// How long a packet may take from the encoder to the network: 500 ms.
    pub latency_budget: Micros,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoSettings {
    /// H.264, or HEVC, AV1 or VP9 in enhanced FLV.
    pub codec: Codec,
    /// The shorter side in pixels at most: 504 for 504P. Smaller pictures are not made larger.
    pub side: u32,
    /// Down to this on a weak network.
    pub min_side: u32,
    pub fps: f64,
    pub min_fps: f64,
    pub keyframe_interval: Micros,
    /// bit/s.
    pub bitrate: u32,
    pub min_bitrate: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioSettings {
    /// AAC, or Opus in enhanced FLV.
    pub codec: Codec,
    /// bit/s.
    pub bitrate: u32,
}
