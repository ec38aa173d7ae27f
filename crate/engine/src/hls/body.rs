//! The bytes of a segment, part or initialization section, in the clear.
//!
//! What is not encrypted is given as it comes; what is, whole, once it is here and the key too.

use bytes::{Bytes, BytesMut};

use super::{
    fetch::{Fetch, Step, failure, final_failure},
    keys::{Keys, Lock},
};
use crate::{
    error::ErrorCode,
    io::{Decryption, Instant, IoEvent, Output, RequestId},
    outbox::Outbox,
    retry::Reason,
};

/// Of an encrypted resource, which has to be held whole.
const MOST_LOCKED: usize = 64 << 20;

#[derive(Debug)]
pub struct Body {
    pub fetch: Fetch,
    lock: Option<Lock>,
    /// The lock is the right one: that of a part that is not listed yet may change.
    is_sure: bool,
    /// Encrypted bytes.
    held: BytesMut,
    /// All of them are here.
    is_complete: bool,
    decrypting: Option<RequestId>,
}

impl Body {
    pub fn new(fetch: Fetch, lock: Option<Lock>, is_sure: bool) -> Self {
        Self { fetch, lock, is_sure, held: BytesMut::new(), is_complete: false, decrypting: None }
    }

    pub fn owns(&self, id: RequestId) -> bool {
        self.fetch.owns(id) || self.decrypting == Some(id)
    }

    /// This is the lock of what was taken to have another one.
    pub fn lock_with(&mut self, lock: Option<Lock>) {
        if self.lock.is_some() && lock.is_some() {
            self.lock = lock;
        }
        self.is_sure = true;
    }

    pub fn advance(&mut self, keys: &mut Keys, now: Instant, out: &mut Outbox) -> Step {
        let step = self.fetch.advance(now, out);
        let step = self.take(step, out);
        if let Some(lock) = &self.lock
            && self.decrypting.is_none()
        {
            // Asked for at once, beside the segment.
            let key = match keys.get(&lock.uri, now) {
                Ok(key) => key,
                Err(failure) => return Step { bytes: None, end: Some(Err(failure)) },
            };
            if let Some(key) = key.filter(|_| self.is_complete && self.is_sure) {
                let id = out.request();
                let data = self.held.split().freeze();
                out.push(Output::Decrypt(id, Decryption { key, iv: lock.iv, data }));
                self.decrypting = Some(id);
            }
        }
        step
    }

    pub fn on_io(&mut self, event: IoEvent, now: Instant, out: &mut Outbox) -> Step {
        let step = self.fetch.on_io(event, now, out);
        self.take(step, out)
    }

    pub fn on_decrypted(&mut self, clear: Result<Bytes, String>) -> Step {
        self.decrypting = None;
        self.lock = None;
        match clear {
            Ok(bytes) => Step { bytes: Some(bytes), end: Some(Ok(())) },
            Err(why) => {
                let what = format!("A segment cannot be decrypted: {}.", why.trim_end_matches('.'));
                let failure = final_failure(Reason::Format, ErrorCode::DecryptFailed, what);
                Step { bytes: None, end: Some(Err(failure)) }
            }
        }
    }

    pub fn cancel(&mut self, out: &mut Outbox) {
        self.fetch.cancel(out);
        if let Some(id) = self.decrypting.take() {
            out.push(Output::Cancel(id));
        }
    }

    fn take(&mut self, step: Step, out: &mut Outbox) -> Step {
        if self.lock.is_none() {
            return step;
        }
        if let Some(bytes) = step.bytes {
            self.held.extend_from_slice(&bytes);
        }
        if self.held.len() > MOST_LOCKED {
            self.cancel(out);
            self.held.clear();
            let what = format!("An encrypted segment is longer than {} MB.", MOST_LOCKED >> 20);
            return Step {
                bytes: None,
                end: Some(Err(failure(Reason::Format, ErrorCode::DecryptFailed, what))),
            };
        }
        match step.end {
            Some(Ok(())) => {
                self.is_complete = true;
                Step::default()
            }
            end => Step { bytes: None, end },
        }
    }
}
