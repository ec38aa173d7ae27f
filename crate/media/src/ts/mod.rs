//! MPEG-TS: the transport stream of ISO/IEC 13818-1.

pub mod mux;
