//! The keys of AES-128: each is fetched once, whoever needs it.
//!
//! One that cannot be had is the failure of what waits for it ([`is_key`]), and is asked for anew when that is.

use std::{collections::VecDeque, sync::Arc};

use bytes::BytesMut;
use sailcast_media::hls::{Key, KeyMethod};

use super::fetch::{ANSWER_TIMEOUT, Fetch, Step, final_failure};
use crate::{
    backoff::Backoff,
    error::{ErrorCode, SailcastError},
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    retry::{Failure, Reason},
    source::fatal,
};

const KEY_BYTES: usize = 16;
/// Keys that are remembered: rotation each segment over a long window.
const MOST: usize = 256;

/// What a resource is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    pub uri: String,
    pub iv: [u8; 16],
}

/// Which of the keys opens a segment of this number; `None` where it is in the clear.
pub fn lock(keys: &[Arc<Key>], sequence: u64) -> Result<Option<Lock>, SailcastError> {
    let Some(first) = keys.first() else { return Ok(None) };
    let usable = keys.iter().find(|key| key.method == KeyMethod::Aes128 && key.format == "identity");
    let Some(key) = usable else {
        let method = match &first.method {
            KeyMethod::Aes128 => format!("AES-128 with keys of {}", first.format),
            KeyMethod::Other(name) => name.clone(),
        };
        let what = format!("The stream is encrypted with {method}.");
        return Err(fatal(ErrorCode::EncryptionUnsupported, what));
    };
    let iv = key.iv.unwrap_or(u128::from(sequence).to_be_bytes());
    Ok(Some(Lock { uri: key.uri.clone(), iv }))
}

#[derive(Debug)]
pub struct Keys {
    known: VecDeque<(String, [u8; KEY_BYTES])>,
    loading: Option<Loading>,
    backoff: Backoff,
    /// The one that cannot be had, until somebody who needs it hears of it.
    failed: Option<(String, Failure)>,
}

#[derive(Debug)]
struct Loading {
    fetch: Fetch,
    body: BytesMut,
}

impl Keys {
    pub fn new(seed: u64) -> Self {
        Self { known: VecDeque::new(), loading: None, backoff: Backoff::new(seed), failed: None }
    }

    /// The key, or it is asked for once no other one is on its way.
    pub fn get(&mut self, uri: &str, now: Instant) -> Result<Option<[u8; KEY_BYTES]>, Failure> {
        if let Some((_, key)) = self.known.iter().find(|(known, _)| known == uri) {
            return Ok(Some(*key));
        }
        if let Some((_, failure)) = self.failed.take_if(|(failed, _)| failed == uri) {
            return Err(failure);
        }
        if self.loading.is_none() {
            let fetch = Fetch::new(uri.to_owned(), None, ANSWER_TIMEOUT, now);
            self.loading = Some(Loading { fetch, body: BytesMut::new() });
        }
        Ok(None)
    }

    /// What waits for a key is tried again.
    pub fn resume(&mut self) {
        self.failed = None;
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.loading.as_ref().is_some_and(|loading| loading.fetch.owns(id))
    }

    pub fn advance(&mut self, now: Instant, out: &mut Outbox) {
        if let Some(loading) = &mut self.loading {
            let step = loading.fetch.advance(now, out);
            self.take(step, now, out);
        }
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant, out: &mut Outbox) {
        if let Some(loading) = &mut self.loading {
            let step = loading.fetch.on_io(event, now, out);
            self.take(step, now, out);
        }
    }

    pub fn suspect(&mut self, now: Instant) {
        if let Some(loading) = &mut self.loading {
            loading.fetch.suspect(now);
        }
    }

    pub fn hurry(&mut self, now: Instant) {
        if let Some(loading) = &mut self.loading {
            loading.fetch.hurry(now);
        }
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        if let Some(mut loading) = self.loading.take() {
            loading.fetch.cancel(out);
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.loading.as_ref()?.fetch.deadline()
    }

    fn take(&mut self, step: Step, now: Instant, out: &mut Outbox) {
        let Some(loading) = &mut self.loading else { return };
        if let Some(bytes) = step.bytes {
            loading.body.extend_from_slice(&bytes);
        }
        let is_long = loading.body.len() > KEY_BYTES;
        if is_long {
            loading.fetch.cancel(out);
        }
        let failure = match step.end {
            Some(Err(failure)) if loading.fetch.retry(&failure, &mut self.backoff, now) => return,
            Some(Err(failure)) => failure,
            None if !is_long => return,
            _ => match <[u8; KEY_BYTES]>::try_from(loading.body.as_ref()) {
                Ok(key) => {
                    self.known.push_back((loading.fetch.url.clone(), key));
                    self.known.drain(..self.known.len().saturating_sub(MOST));
                    self.loading = None;
                    return;
                }
                Err(_) => {
                    let what = format!("The answer has not {KEY_BYTES} bytes.");
                    final_failure(Reason::Format, ErrorCode::KeyUnavailable, what)
                }
            },
        };
        let why = failure.error.as_ref().map_or("", |error| error.what.as_str());
        let what = format!("The key of the stream cannot be had. {why}");
        let error = Some(fatal(ErrorCode::KeyUnavailable, what.trim_end().to_owned()));
        let url = std::mem::take(&mut loading.fetch.url);
        self.failed = Some((url, Failure { error, ..failure }));
        self.loading = None;
    }
}

/// It is a key that could not be had.
pub fn is_key(failure: &Failure) -> bool {
    failure.error.as_ref().is_some_and(|error| error.code == ErrorCode::KeyUnavailable)
}
