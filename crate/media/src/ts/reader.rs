//! Cuts a stream of bytes into transport packets of 188 bytes, which may stand 188, 192 or 204 apart.
//!
//! **Invariant:** a packet is given out only when a sync byte stands in step behind it, or behind the next one: one damaged sync
//! byte costs its packet alone, two of them are a loss of sync, and five in step end it (ETSI TR 101 290, 5.2.1). Every verdict
//! is a function of the stream's bytes and of where its segments end, never of how they were split.

use bytes::Bytes;

use crate::{
    demux::{DemuxError, SkipReason},
    queue::ByteQueue,
    ts::packet::{PACKET_LEN, SYNC, TsPacket},
};

/// Sync bytes in step that are believed.
const IN_STEP: usize = 5;
/// The longest search for packets; one good step of any layout is less than a hundredth of it.
const MAX_SEARCH: u64 = 256 << 10;

/// How packets stand in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// From one sync byte to the next.
    stride: usize,
    /// Bytes of the packet's place that stand before its sync byte.
    lead: usize,
}

/// Alone, behind the four bytes of arrival time of BDAV, and before sixteen of parity (EN 300 429).
const LAYOUTS: [Layout; 3] =
    [Layout { stride: 188, lead: 0 }, Layout { stride: 192, lead: 4 }, Layout { stride: 204, lead: 0 }];
const MAX_LEAD: usize = 4;

/// Whether the first bytes of a stream are packets in step. The stream may begin inside one.
pub(crate) fn is_stream(first_bytes: &[u8]) -> bool {
    let in_step = |at: usize, layout: &Layout| {
        let headers = first_bytes.get(at..).unwrap_or_default().chunks(layout.stride);
        let headers = headers.filter_map(|packet| packet.first_chunk::<4>());
        let is_whole = first_bytes.len() >= at.saturating_add(PACKET_LEN);
        let begins_here = at == layout.lead && is_whole;
        headers.clone().all(|header| TsPacket::is_plausible(*header))
            && (begins_here || headers.count() >= IN_STEP)
    };
    LAYOUTS.iter().any(|layout| (layout.lead..layout.stride).any(|at| in_step(at, layout)))
}

#[derive(Debug)]
pub(super) enum ReaderEvent {
    Packet(TsPacket),
    Skipped { at: u64, len: u64, why: SkipReason },
}

/// Cuts a transport stream into packets. An error is final and comes again when asked.
#[derive(Debug, Default)]
pub(super) struct PacketReader {
    queue: ByteQueue,
    state: State,
    layout: Option<Layout>,
    /// Where the search looks next, from the queue's front.
    scan: usize,
    /// The bytes that are here end a segment.
    ended: bool,
    seen_packet: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Searching since stream offset `since`.
    Lost {
        since: u64,
    },
    InSync(Layout),
    Failed(DemuxError),
}

impl Default for State {
    fn default() -> Self {
        Self::Lost { since: 0 }
    }
}

enum Step {
    Again,
    Event(ReaderEvent),
    Wait,
    Fail(DemuxError),
}

enum Found {
    Yes(Layout),
    No,
    NeedMore,
}

impl PacketReader {
    pub fn push(&mut self, data: Bytes) {
        if !matches!(self.state, State::Failed(_)) {
            self.queue.push(data);
        }
    }

    /// What is here ends a segment: poll until `Ok(None)`, then [`Self::begin_segment`].
    pub fn end_segment(&mut self) {
        self.ended = true;
    }

    /// The next bytes may be in another step.
    pub fn begin_segment(&mut self) {
        self.ended = false;
        self.scan = 0;
        if !matches!(self.state, State::Failed(_)) {
            self.state = State::Lost { since: self.queue.start() };
        }
    }

    /// Stream offset of the first byte that is not yet consumed.
    pub fn position(&self) -> u64 {
        self.queue.start()
    }

    pub fn buffered_bytes(&self) -> usize {
        self.queue.len()
    }

    pub fn poll(&mut self) -> Result<Option<ReaderEvent>, DemuxError> {
        // Each turn consumes bytes, moves the search on, or returns.
        loop {
            let step = match self.state {
                State::Lost { since } => self.search(since),
                State::InSync(layout) => self.in_sync(layout),
                State::Failed(error) => return Err(error),
            };
            match step {
                Step::Again => {}
                Step::Event(event) => return Ok(Some(event)),
                Step::Wait => return Ok(None),
                Step::Fail(error) => {
                    self.queue = ByteQueue::default();
                    self.state = State::Failed(error);
                }
            }
        }
    }

    fn search(&mut self, since: u64) -> Step {
        // Before a candidate its lead is kept.
        let passed = self.scan.saturating_sub(MAX_LEAD);
        self.queue.skip(passed);
        self.scan = self.scan.saturating_sub(passed);
        let searched = self.queue.start().saturating_sub(since);
        if searched > MAX_SEARCH {
            return Step::Fail(DemuxError::NotTs { at: since, searched });
        }
        match self.queue.peek::<1>(self.scan) {
            Some([SYNC]) => {}
            Some(_) => {
                self.scan = self.scan.saturating_add(1);
                return Step::Again;
            }
            None if self.ended => return self.nothing_found(since),
            None => return Step::Wait,
        }
        match self.judge() {
            Found::NeedMore => Step::Wait,
            Found::No => {
                self.scan = self.scan.saturating_add(1);
                Step::Again
            }
            Found::Yes(layout) => {
                self.queue.skip(self.scan.saturating_sub(layout.lead));
                self.scan = 0;
                self.layout = Some(layout);
                self.state = State::InSync(layout);
                self.skipped_to_here(since, SkipReason::LostSync)
            }
        }
    }

    /// Whether packets stand in step from the sync byte at `scan` on. Layouts are judged one after the other, that of the packets before
    /// first, each to its end: what is not here yet cannot change the order.
    fn judge(&self) -> Found {
        for layout in self.layout.into_iter().chain(LAYOUTS) {
            if layout.lead > self.scan {
                continue;
            }
            match self.in_step(layout) {
                Found::No => {}
                found => return found,
            }
        }
        Found::No
    }

    fn in_step(&self, layout: Layout) -> Found {
        let at = |count: usize| self.scan.saturating_add(layout.stride.saturating_mul(count));
        for count in 0..IN_STEP {
            match self.queue.peek::<4>(at(count)) {
                Some(header) if TsPacket::is_plausible(header) => {}
                Some(_) => return Found::No,
                None if !self.ended => return Found::NeedMore,
                // As many as there are, but one whole packet at least.
                None if count > 0 && self.queue.len() >= self.scan.saturating_add(PACKET_LEN) => break,
                None => return Found::No,
            }
        }
        Found::Yes(layout)
    }

    fn nothing_found(&mut self, since: u64) -> Step {
        self.queue.skip(self.queue.len());
        self.scan = 0;
        let searched = self.queue.start().saturating_sub(since);
        if !self.seen_packet && searched > 0 {
            return Step::Fail(DemuxError::NotTs { at: since, searched });
        }
        self.state = State::Lost { since: self.queue.start() };
        match self.skipped_to_here(since, SkipReason::LostSync) {
            Step::Again => Step::Wait,
            skipped => skipped,
        }
    }

    fn in_sync(&mut self, Layout { stride, lead }: Layout) -> Step {
        let start = self.queue.start();
        let whole = lead.saturating_add(PACKET_LEN);
        if self.queue.len() < whole {
            if !self.ended || self.queue.is_empty() {
                return Step::Wait;
            }
            self.queue.skip(self.queue.len());
            return self.skipped_to_here(start, SkipReason::Truncated);
        }
        let is_sync = |place: usize| {
            let at = stride.saturating_mul(place).saturating_add(lead);
            self.queue.peek::<1>(at).map(|[byte]| byte == SYNC)
        };
        let follows = match (is_sync(1), is_sync(2)) {
            (Some(true), _) | (Some(false), Some(true)) => true,
            (Some(false), Some(false)) => false,
            (None, _) | (_, None) if self.ended => true,
            _ => return Step::Wait,
        };
        match (is_sync(0), is_sync(1)) {
            (Some(true), _) if follows => {}
            (Some(false), Some(true)) => {
                self.queue.skip(stride);
                return self.skipped_to_here(start, SkipReason::LostSync);
            }
            _ => {
                self.state = State::Lost { since: start };
                self.scan = lead.saturating_add(1);
                return Step::Again;
            }
        }
        let place = self.queue.take(stride.min(self.queue.len())).unwrap_or_default();
        self.seen_packet = true;
        match TsPacket::parse(start.saturating_add(lead as u64), place.slice(lead..whole)) {
            Some(packet) => Step::Event(ReaderEvent::Packet(packet)),
            // The next packet of its PID will miss it.
            None => Step::Again,
        }
    }

    fn skipped_to_here(&self, at: u64, why: SkipReason) -> Step {
        match self.queue.start().saturating_sub(at) {
            0 => Step::Again,
            len => Step::Event(ReaderEvent::Skipped { at, len, why }),
        }
    }
}
