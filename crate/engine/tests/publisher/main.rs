//! The publisher in a virtual browser: one behaviour a file.

mod anything;
mod begins;
mod got;
