//! H.264 in software: openh264's decoder as a module with the [`sailcast_codec_face`].
//!
//! openh264 is compiled from source without threads, files, clocks and logs (build.rs). Its core decodes and nothing more: NAL
//! units are judged in [`units`], pictures put in order in [`reorder`], and whether a picture may be shown is decided in
//! `decoder`. **Invariant:** no picture is given that was lost in part, or that refers to one that was. Interlaced video, more
//! than 8 bits and other chroma than 4:2:0 are refused: openh264 has none of them.

pub mod reorder;
pub mod units;

#[cfg(target_family = "wasm")]
mod decoder;
#[cfg(target_family = "wasm")]
mod driver;
#[cfg(target_family = "wasm")]
mod libc;

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "a module's exports have names of their own")]
mod module {
    sailcast_codec_face::module!(crate::decoder::Decoder);
}
