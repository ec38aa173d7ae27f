//! What the browser's hands share, those of the player (`crate/web`) and those of the publisher (`crate/web-publisher`): the
//! clock, the timer that stands for the engine's `Wait`, plain objects, and the way of log records and panics to the console.
//!
//! It is compiled into each of their modules. Nothing here knows an engine's inputs or outputs.

pub mod alarm;
pub mod js;
mod log;
