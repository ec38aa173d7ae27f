//! A server of one file: gives parts of it, at a pace, with the faults that servers have.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use bytes::Bytes;
use sailcast_engine::{Instant, IoError, IoEvent, IoRequest, Response};
use sailcast_media::Micros;

use crate::server::{Deliveries, Server};

/// No more than this comes in one piece.
const CHUNK: usize = 16 * 1024;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Status(u16),
    Refused,
    /// So many bytes come, and then it breaks.
    Breaks(usize),
    /// So many bytes come, and then nothing more.
    Silent(usize),
    /// So many bytes come, and then it ends as if that were all.
    Short(usize),
}

/// One request and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub at: Instant,
    /// From which byte on, and how many.
    pub offset: u64,
    pub length: u64,
    pub delivered: u64,
}

/// All requests so far.
pub type Requests = Rc<RefCell<Vec<Asked>>>;

#[derive(Clone, Debug)]
pub struct FileServer {
    pub data: Bytes,
    /// From a request to its first byte.
    pub rtt: Micros,
    /// Bytes a second.
    pub rate: u64,
    /// It gives parts; else the whole file whatever is asked.
    pub ranges: bool,
    /// The page may read how long the file is.
    pub tells_len: bool,
    /// By the number of the request, from 0 on.
    pub faults: BTreeMap<usize, Fault>,
    pub asked: Requests,
}

impl FileServer {
    /// 40 ms away, at 4 MB/s.
    pub fn new(data: Bytes) -> Self {
        Self {
            data,
            rtt: Micros::from_millis(40),
            rate: 4_000_000,
            ranges: true,
            tells_len: true,
            faults: BTreeMap::new(),
            asked: Requests::default(),
        }
    }

    pub fn fault(mut self, request: usize, fault: Fault) -> Self {
        self.faults.insert(request, fault);
        self
    }

    fn response(&self, range: bool) -> Response {
        let len = self.tells_len.then_some(self.data.len() as u64);
        Response { len, ..Response::new(if range { 206 } else { 200 }, self.tells_len) }
    }
}

impl Server for FileServer {
    fn connect(&mut self, request: &IoRequest, now: Instant) -> Deliveries {
        let range = request.range.filter(|_| self.ranges);
        let len = self.data.len() as u64;
        let offset = range.map_or(0, |range| range.offset);
        let length = range.map_or(len, |range| range.length).min(len.saturating_sub(offset));
        let number = self.asked.borrow().len();
        self.asked.borrow_mut().push(Asked { at: now, offset, length, delivered: 0 });
        let fault = self.faults.get(&number).copied();
        let rtt = self.rtt;
        let only = |event| -> Deliveries { Box::new(std::iter::once((rtt, event))) };
        match fault {
            Some(Fault::Refused) => return only(IoEvent::Failed(IoError::Connect)),
            Some(Fault::Status(status)) => return only(IoEvent::Opened(Response::new(status, true))),
            _ if range.is_some() && length == 0 => return only(IoEvent::Opened(Response::new(416, true))),
            _ => {}
        }
        let most = match fault {
            Some(Fault::Breaks(most) | Fault::Silent(most) | Fault::Short(most)) => most.min(length as usize),
            _ => length as usize,
        };
        let last = match fault {
            Some(Fault::Breaks(_)) => Some(IoEvent::Failed(IoError::Lost)),
            Some(Fault::Silent(_)) => None,
            _ => Some(IoEvent::End),
        };
        let body = self.data.slice(offset as usize..offset as usize + most);
        let time = |bytes: usize, rate: u64| Micros((bytes as u64 * 1_000_000 / rate) as i64);
        let (rate, asked) = (self.rate, Rc::clone(&self.asked));
        let whole = body.len();
        let chunks = (0..whole).step_by(CHUNK).map(move |from| {
            let to = (from + CHUNK).min(whole);
            (rtt + time(to, rate), IoEvent::Bytes(body.slice(from..to)))
        });
        let chunks = chunks.inspect(move |(_, event)| {
            if let IoEvent::Bytes(bytes) = event {
                asked.borrow_mut()[number].delivered += bytes.len() as u64;
            }
        });
        let head = (rtt, IoEvent::Opened(self.response(range.is_some())));
        let end = last.map(|event| (rtt + time(whole, rate) + Micros(500), event));
        Box::new(std::iter::once(head).chain(chunks).chain(end))
    }
}
