//! Initialization sections (4.4.4.5), each fetched once while it is in use.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};
use sailcast_media::hls::Map;

use super::{
    body::Body,
    fetch::{ANSWER_TIMEOUT, Fetch, Step, final_failure},
    keys::lock,
    shared::Shared,
};
use crate::{
    error::{ErrorCode, SailcastError},
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::{Failure, Reason},
};

/// Advertisements and their programme, in a few renditions.
const MOST: usize = 8;
const MOST_BYTES: usize = 4 << 20;

/// Those that are here.
#[derive(Debug, Default)]
pub struct Inits {
    known: VecDeque<(Arc<Map>, Bytes)>,
}

impl Inits {
    pub fn get(&self, map: &Map) -> Option<Bytes> {
        self.known.iter().find(|(known, _)| known.as_ref() == map).map(|(_, bytes)| bytes.clone())
    }

    fn add(&mut self, map: Arc<Map>, bytes: Bytes) {
        self.known.push_back((map, bytes));
        self.known.drain(..self.known.len().saturating_sub(MOST));
    }
}

/// The one that a lane waits for.
#[derive(Debug, Default)]
pub struct Init {
    loading: Option<Loading>,
}

#[derive(Debug)]
struct Loading {
    map: Arc<Map>,
    body: Body,
    gathered: BytesMut,
}

impl Init {
    /// Asks for it.
    pub fn want(&mut self, map: &Arc<Map>, now: Instant, out: &mut Outbox) -> Result<(), SailcastError> {
        if self.loading.as_ref().is_some_and(|loading| loading.map == *map) {
            return Ok(());
        }
        self.cancel(out);
        // Its IV is always given (4.4.4.5).
        let lock = lock(&map.keys, 0)?;
        let fetch = Fetch::new(map.uri.clone(), map.range, ANSWER_TIMEOUT, now);
        let body = Body::new(fetch, lock, true);
        self.loading = Some(Loading { map: map.clone(), body, gathered: BytesMut::new() });
        Ok(())
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.body.owns(id))
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.loading.as_ref()?.body.fetch.deadline()
    }

    pub fn fetch(&mut self) -> Option<&mut Fetch> {
        self.loading.as_mut().map(|loading| &mut loading.body.fetch)
    }

    pub fn advance(&mut self, shared: &mut Shared, now: Instant, out: &mut Outbox) -> Option<Failure> {
        let step = self.loading.as_mut()?.body.advance(&mut shared.keys, now, out);
        self.take(step, shared, out)
    }

    pub fn on_io(
        &mut self,
        event: IoEvent,
        shared: &mut Shared,
        now: Instant,
        out: &mut Outbox,
    ) -> Option<Failure> {
        let step = self.loading.as_mut()?.body.on_io(event, now, out);
        self.take(step, shared, out)
    }

    pub fn on_decrypted(
        &mut self,
        clear: Result<Bytes, String>,
        shared: &mut Shared,
        out: &mut Outbox,
    ) -> Option<Failure> {
        let step = self.loading.as_mut()?.body.on_decrypted(clear);
        self.take(step, shared, out)
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        if let Some(mut loading) = self.loading.take() {
            loading.body.cancel(out);
        }
    }

    fn take(&mut self, step: Step, shared: &mut Shared, out: &mut Outbox) -> Option<Failure> {
        let loading = self.loading.as_mut()?;
        if let Some(bytes) = step.bytes {
            loading.gathered.extend_from_slice(&bytes);
        }
        if loading.gathered.len() > MOST_BYTES {
            self.cancel(out);
            let what = format!("An initialization section is longer than {} MB.", MOST_BYTES >> 20);
            return Some(final_failure(Reason::Format, ErrorCode::DataDamaged, what));
        }
        match step.end? {
            Ok(()) => {
                let loading = self.loading.take()?;
                shared.inits.add(loading.map, loading.gathered.freeze());
                None
            }
            Err(failure) => Some(failure),
        }
    }
}
