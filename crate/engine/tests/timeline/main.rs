//! The timeline by itself: packets of a publisher with a wild clock in, one even timeline out.

mod anything;
mod connections;
mod jumps;
mod parted;
mod steady;
mod stream;
mod wraps;
