//! The keys of AES-128: each is fetched once, whoever needs it.

use std::{collections::VecDeque, sync::Arc};

use bytes::BytesMut;
use sailcast_media::hls::{Key, KeyMethod};

use super::fetch::{ANSWER_TIMEOUT, Fetch, Step};
use crate::{
    backoff::Backoff,
    error::{ErrorCode, SailcastError},
    io::{Instant, IoEvent, RequestId},
    outbox::Outbox,
    source::fatal,
};

const KEY_BYTES: usize = 16;
/// Keys that are remembered: rotation each segment over a long window.
const MOST: usize = 256;
/// Over about ten seconds: what was loaded before is played meanwhile.
const TRIES: u32 = 6;

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
    pub error: Option<SailcastError>,
}

#[derive(Debug)]
struct Loading {
    fetch: Fetch,
    body: BytesMut,
}

impl Keys {
    pub fn new(seed: u64) -> Self {
        Self { known: VecDeque::new(), loading: None, backoff: Backoff::new(seed), error: None }
    }

    /// The key, or it is asked for once no other one is on its way.
    pub fn get(&mut self, uri: &str, now: Instant) -> Option<[u8; KEY_BYTES]> {
        if let Some((_, key)) = self.known.iter().find(|(known, _)| known == uri) {
            return Some(*key);
        }
        if self.loading.is_none() && self.error.is_none() {
            let fetch = Fetch::new(uri.to_owned(), None, ANSWER_TIMEOUT, now);
            self.loading = Some(Loading { fetch, body: BytesMut::new() });
        }
        None
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
        match step.end {
            Some(Err(failure)) if !failure.final_answer && loading.fetch.failures < TRIES => {
                let after = self.backoff.delay(loading.fetch.failures);
                loading.fetch.again(now + after);
            }
            Some(Err(failure)) => {
                let what = failure.error.map_or(String::new(), |error| error.what);
                self.fail(format!("The key of the stream cannot be had. {what}"));
            }
            Some(Ok(())) | None if is_long => {
                self.fail(format!("The key of the stream is longer than {KEY_BYTES} bytes."));
            }
            Some(Ok(())) => match <[u8; KEY_BYTES]>::try_from(loading.body.as_ref()) {
                Ok(key) => {
                    self.known.push_back((loading.fetch.url.clone(), key));
                    self.known.drain(..self.known.len().saturating_sub(MOST));
                    self.loading = None;
                }
                Err(_) => {
                    let len = loading.body.len();
                    self.fail(format!("The key of the stream has {len} bytes, not {KEY_BYTES}."));
                }
            },
            None => {}
        }
    }

    fn fail(&mut self, what: String) {
        self.loading = None;
        self.error = Some(fatal(ErrorCode::KeyUnavailable, what.trim_end().to_owned()));
    }
}
