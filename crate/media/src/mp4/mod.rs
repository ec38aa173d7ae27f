//! MP4: ISO base media (ISO/IEC 14496-12), progressive and in fragments.

pub mod mux;
