//! The publisher in a virtual browser: one behaviour a file.

mod begins;
mod got;
