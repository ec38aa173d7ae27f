//! The publisher in a virtual browser: one behaviour a file.

mod anything;
mod begins;
mod chaos;
mod encoders;
mod ends;
mod few_bits;
mod gives_back;
mod got;
mod holds_back;
mod lines;
mod reconnects;
mod recording;
mod settings_live;
mod sizes;
mod slow_encoder;
mod sources;
mod stalls;
mod stats;
mod sync;
mod weak_network;
