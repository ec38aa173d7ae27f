//! The HLS client before a virtual origin: one behaviour a file.

mod rig;

mod anything;
mod audio_only;
mod away;
mod dates;
mod discontinuity;
mod encryption;
mod event;
mod ffmpeg;
mod lines;
mod live;
mod low_latency;
mod missing;
mod network;
mod played;
mod playlists;
mod promises;
mod ranges;
mod recording;
mod renditions;
mod restart;

const MEDIA: &str = "http://origin/v0.m3u8";
const MASTER: &str = "http://origin/master.m3u8";
