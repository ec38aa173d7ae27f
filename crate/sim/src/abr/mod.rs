//! A virtual HLS viewer around the real [`Abr`](sailcast_engine::abr::Abr): a ladder of renditions, pieces of varying size, a link, and
//! a buffer that drains; and beside it a viewer with the rule of hls.js.

mod rules;
mod session;
pub mod study;
pub mod trace;

pub use rules::RULES;
pub use session::{Figures, Kind, Line, Session};
