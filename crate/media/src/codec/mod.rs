//! Codec headers: what a decoder's configuration and an access unit say of themselves.
//!
//! One flat file a codec; each reads its configuration record into [`crate::DecoderConfig`]'s parts. Nothing here
//! decodes.

pub mod aac;
pub mod avc;
pub mod avc_sps;

use thiserror::Error;

/// A decoder configuration that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("configuration ends too early")]
    Short,
    #[error("configuration has a value out of its range: {0}")]
    Invalid(&'static str),
}
