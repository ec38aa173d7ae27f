//! The definitions of a live stream: from one to another without a seam, and the player's own choice.

mod anything;
mod auto;
mod away;
mod change;
mod fails;
mod world;
