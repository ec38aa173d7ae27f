//! What publishing decides.

pub mod uplink;
