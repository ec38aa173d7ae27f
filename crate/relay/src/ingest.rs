//! From a publisher's bytes to its stream, whatever carries them.
//!
//! **Invariant:** bad bytes, and more than the limits allow, end the stream with a reason; every whole tag before them
//! has been forwarded. A publisher that sends no tag for [`SILENCE`] is gone.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sailcast_media::flv::{Tag, tag::MAX_TAG_BODY};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::{
    hub::Publication,
    intake::{BadStream, Intake},
    limits::{Limits, Meter},
    refusal::Refusal,
};

/// A publisher that sends no whole tag for so long is taken for dead: its connection may be, without a word.
pub const SILENCE: Duration = Duration::from_secs(30);
/// The longest message taken from a publisher's WebSocket: the largest tag and its frame fit.
pub const MAX_MESSAGE: usize = MAX_TAG_BODY + (64 << 10);

/// Why a publisher's session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Over {
    Left,
    Refused(Refusal),
}

impl From<Refusal> for Over {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<BadStream> for Over {
    fn from(bad: BadStream) -> Self {
        Self::Refused(bad.into())
    }
}

/// Forwards a publisher's chunks until it leaves, and frees its name.
pub async fn forward(
    publication: Publication,
    mut chunks: impl Stream<Item = Result<Bytes, Over>> + Unpin,
    limits: &Limits,
    shutdown: &CancellationToken,
) -> Over {
    let began = Instant::now();
    let mut intake = Intake::default();
    let mut meter = Meter::new(limits.bit_rate);
    let mut tags = Vec::new();
    let mut deadline = began + SILENCE;
    let over = loop {
        let chunk = tokio::select! {
            chunk = timeout_at(deadline, chunks.next()) => chunk,
            () = shutdown.cancelled() => break Refusal::Shutdown.into(),
        };
        let (checked, last) = match chunk {
            Err(_elapsed) => break Refusal::Silent(SILENCE.as_secs()).into(),
            Ok(Some(Ok(data))) => {
                publication.note_received(data.len());
                if !meter.take(data.len(), began.elapsed()) {
                    break Refusal::BitRate(limits.bit_rate).into();
                }
                (intake.push(data, &mut tags), false)
            }
            Ok(Some(Err(over))) => break over,
            Ok(None) => (intake.finish(&mut tags), true),
        };
        if let Some((has_audio, has_video)) = intake.take_promise() {
            publication.promise(has_audio, has_video);
        }
        let too_large = cut_at_limit(&mut tags, limits.tag);
        if !tags.is_empty() {
            deadline = Instant::now() + SILENCE;
            publication.push(&tags);
            tags.clear();
        }
        match (too_large, checked) {
            (Some(refusal), _) => break refusal.into(),
            (None, Err(bad)) => break bad.into(),
            (None, Ok(())) if last => break Over::Left,
            (None, Ok(())) => {}
        }
    };
    match &over {
        Over::Left => log::info!("{}: the publisher left", publication.name()),
        Over::Refused(why) => log::warn!("{}: sent away: {why}", publication.name()),
    }
    over
}

/// Leaves the tags before the first that is too large.
fn cut_at_limit(tags: &mut Vec<Tag>, max: usize) -> Option<Refusal> {
    let at = tags.iter().position(|tag| tag.body.len() > max)?;
    let len = tags[at].body.len();
    tags.truncate(at);
    Some(Refusal::TagSize { len, max })
}

#[cfg(test)]
#[path = "ingest_tests.rs"]
mod tests;
