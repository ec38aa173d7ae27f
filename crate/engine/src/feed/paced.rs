//! The methods of a paced source.

use bytes::Bytes;
use sailcast_media::{MediaTime, TrackInfo};

use super::{Extent, FeedEvent, View};
use crate::{
    error::SailcastError,
    io::{Instant, IoEvent, RequestId, SourceKind},
    outbox::Outbox,
    source::Other,
};

/// What becomes of a seek.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// The place comes behind a cut.
    There,
    /// It will begin there: nothing has come yet.
    Begins,
    /// It cannot go anywhere.
    Nowhere,
}

/// One load of a source that reads a place at a time.
pub trait Paced {
    fn kind(&self) -> SourceKind;

    /// Nothing is asked for before.
    fn open(&mut self, now: Instant, out: &mut Outbox);
    /// In place of `open`: what was asked for as a stream turned out to be this.
    fn adopt(&mut self, other: Other, now: Instant, out: &mut Outbox);
    /// It is a playlist of HLS: its addresses, the present one first.
    fn take_playlist(&mut self) -> Option<Vec<String>> {
        None
    }

    fn owns(&self, id: RequestId) -> bool;
    fn on_io(&mut self, id: RequestId, event: IoEvent, now: Instant, out: &mut Outbox);
    fn on_resolved(&mut self, id: RequestId, url: Result<String, String>, now: Instant, out: &mut Outbox);
    fn on_decrypted(
        &mut self,
        _id: RequestId,
        _clear: Result<Bytes, String>,
        _now: Instant,
        _out: &mut Outbox,
    ) {
    }

    /// The next event, until there is none; to be asked after each of the methods that take `now`.
    fn poll(&mut self, now: Instant, out: &mut Outbox) -> Option<FeedEvent>;
    /// Does what is due, at any time, any number of times.
    fn advance(&mut self, view: &View, now: Instant, out: &mut Outbox);
    /// When to be called next, if nothing happens until then.
    fn deadline(&self, now: Instant) -> Option<Instant>;

    /// Goes on at `to`, exactly there or where it is quicker to begin near it. What was under way is cancelled, and after a
    /// [`FeedEvent::Cut`] the packets of the new place come.
    fn seek(&mut self, to: MediaTime, exact: bool, now: Instant, out: &mut Outbox) -> Going;
    /// Plays this rendition; `None`: the player chooses.
    fn select(&mut self, _rendition: Option<u32>, _now: Instant, _out: &mut Outbox) {}
    /// There is no decoder for these pictures: true where there are others, which come.
    fn leave(&mut self, _pictures: &TrackInfo, _now: Instant, _out: &mut Outbox) -> bool {
        false
    }
    /// Gives this track of the sound, where it gives one of several.
    fn select_sound(&mut self, _number: u8, _now: Instant, _out: &mut Outbox) {}
    /// This track of the sound cannot be played. Whether another one comes in its place.
    fn refuse_sound(&mut self, _number: u8, _now: Instant, _out: &mut Outbox) -> bool {
        false
    }
    /// As far as an index tells.
    fn keyframes_around(&self, _at: MediaTime) -> (Option<MediaTime>, Option<MediaTime>) {
        (None, None)
    }
    /// How far it reaches.
    fn extent(&self, now: Instant) -> Extent;

    fn set_online(&mut self, online: bool, now: Instant, out: &mut Outbox);
    /// The network is another one, or the page was frozen: what is under way may be dead.
    fn suspect(&mut self, now: Instant);
    /// Lets go of all requests until `wake`.
    fn suspend(&mut self, out: &mut Outbox);
    fn wake(&mut self, now: Instant, out: &mut Outbox);
    fn is_suspended(&self) -> bool;
    fn close(&mut self, out: &mut Outbox);

    /// No more will come, from here to the end.
    fn is_over(&self) -> bool;
    /// Why it is over, unless in good order.
    fn error(&self) -> Option<&SailcastError>;
    fn bytes(&self) -> u64;
    fn reconnects(&self) -> u64;
}
