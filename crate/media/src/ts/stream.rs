//! One elementary stream of the program: its packets' order, its PES packets, and what they carry.
//!
//! **Invariant:** what stands on both sides of a gap is never joined. What was begun before it is dropped, unless its PES packet was whole.

use bytes::{Bytes, BytesMut};

use crate::{
    demux::{DemuxEvent, SkipReason},
    elementary::{Outlet, Picture, Sound, Stamp, TIMESCALE},
    id3,
    metadata::Message,
    packet::TrackId,
    time::MediaTime,
    ts::{
        kind::Kind,
        packet::{Continuity, Counter, TsPacket},
        pes::PesReader,
        psi::Sections,
    },
};

/// Of timed ID3, with a picture in it.
const MAX_ID3: usize = 1 << 20;

#[derive(Debug)]
pub(super) struct Stream {
    pub pid: u16,
    pub kind: Kind,
    counter: Counter,
    pes: PesReader,
    content: Content,
    told_encrypted: bool,
}

#[derive(Debug)]
enum Content {
    Picture(Box<Picture>),
    Sound(Box<Sound>),
    Id3(TimedId3),
    Scte35(Sections),
}

#[derive(Debug, Default)]
struct TimedId3 {
    stamp: Option<Stamp>,
    held: BytesMut,
}

impl Stream {
    /// `None` of what is not read.
    pub fn new(pid: u16, kind: Kind, id: Option<TrackId>) -> Option<Self> {
        let content = match (&kind, id) {
            (Kind::Picture(codec), Some(id)) => Content::Picture(Box::new(Picture::new(id, *codec))),
            (Kind::Sound(syntax, config), Some(id)) => {
                let mut sound = Sound::new(id, *syntax);
                if let Some(config) = config {
                    sound.configure(config.clone());
                }
                Content::Sound(Box::new(sound))
            }
            (Kind::Id3, _) => Content::Id3(TimedId3::default()),
            (Kind::Scte35, _) => Content::Scte35(Sections::default()),
            _ => return None,
        };
        let (counter, pes) = (Counter::default(), PesReader::default());
        Some(Self { pid, kind, counter, pes, content, told_encrypted: false })
    }

    pub fn track(&self) -> Option<TrackId> {
        match &self.content {
            Content::Picture(picture) => Some(picture.id()),
            Content::Sound(sound) => Some(sound.id()),
            Content::Id3(_) | Content::Scte35(_) => None,
        }
    }

    pub fn buffered_bytes(&self) -> usize {
        match &self.content {
            Content::Picture(picture) => picture.buffered_bytes(),
            Content::Sound(sound) => sound.buffered_bytes(),
            Content::Id3(id3) => id3.held.len(),
            Content::Scte35(sections) => sections.buffered_bytes(),
        }
    }

    /// Takes a packet; gives the messages whose time is that of what comes next.
    pub fn packet(&mut self, packet: &TsPacket, out: &mut Outlet) -> Vec<Message> {
        if let Content::Scte35(sections) = &mut self.content {
            return sections.packet(packet).into_iter().map(|payload| Message::Scte35 { payload }).collect();
        }
        let Some(payload) = packet.payload.clone() else {
            self.counter.pass(packet);
            return Vec::new();
        };
        match self.counter.judge(packet, &payload) {
            Continuity::Next => {}
            Continuity::Duplicate => return Vec::new(),
            Continuity::Anew => self.begin_anew(packet.at, out),
            Continuity::Gap => self.gap(packet.at, out),
        }
        if packet.scrambled {
            if packet.begins {
                self.complete(out);
            }
            self.forget(out);
            self.encrypted(packet, out);
            return Vec::new();
        }
        let mut messages = Vec::new();
        if packet.begins
            && let Content::Id3(id3) = &mut self.content
        {
            messages = id3.give(out);
        }
        let part = self.pes.packet(packet, payload);
        if let Some(header) = part.header {
            if header.scrambled {
                self.pes.forget();
                self.encrypted(packet, out);
                return messages;
            }
            match &mut self.content {
                Content::Picture(picture) => picture.mark(header.at, header.stamp),
                Content::Sound(sound) => sound.mark(header.at, header.stamp),
                Content::Id3(id3) => id3.stamp = header.stamp,
                Content::Scte35(_) => {}
            }
        }
        self.data(&part.data, out);
        if self.pes.has_ended()
            && let Content::Id3(id3) = &mut self.content
        {
            messages.extend(id3.give(out));
        }
        messages
    }

    /// A segment ends here. What the PES packet still lacks may come in the next one, unless there is none, for this reason.
    pub fn flush(&mut self, ends: Option<SkipReason>, at: u64, out: &mut Outlet) -> Vec<Message> {
        let is_whole = self.pes.is_whole();
        let mut messages = Vec::new();
        match &mut self.content {
            Content::Picture(picture) if is_whole => picture.flush(out),
            Content::Sound(sound) if is_whole || ends.is_some() => {
                sound.drain(true, out);
            }
            Content::Id3(id3) if is_whole => messages = id3.give(out),
            Content::Scte35(sections) => sections.part(),
            _ => {}
        }
        self.counter.part();
        if let Some(why) = ends {
            self.drop_rest(at, why, out);
        }
        messages
    }

    fn data(&mut self, data: &[u8], out: &mut Outlet) {
        match &mut self.content {
            Content::Picture(picture) => picture.push(data, out),
            Content::Sound(sound) => {
                sound.push(data);
                sound.drain(false, out);
            }
            Content::Id3(id3) if id3.held.len().saturating_add(data.len()) <= MAX_ID3 => {
                id3.held.extend_from_slice(data);
            }
            Content::Id3(_) | Content::Scte35(_) => {}
        }
    }

    /// No packets were seen missing, but what follows does not go on with what went before.
    fn begin_anew(&mut self, at: u64, out: &mut Outlet) {
        self.complete(out);
        self.drop_rest(at, SkipReason::Continuity, out);
    }

    /// Gives out what came, if it is whole.
    fn complete(&mut self, out: &mut Outlet) {
        match &mut self.content {
            Content::Picture(picture) if self.pes.is_whole() => picture.flush(out),
            Content::Sound(sound) if self.pes.is_whole() => {
                sound.drain(true, out);
            }
            _ => {}
        }
    }

    fn gap(&mut self, at: u64, out: &mut Outlet) {
        if self.pes.has_ended()
            && let Content::Picture(picture) = &mut self.content
        {
            picture.flush(out);
        }
        let len = self.forget(out);
        // Told though nothing of it may be here.
        let track = self.track();
        out.events.push_back(DemuxEvent::Skipped { track, at, len, why: SkipReason::Continuity });
    }

    fn drop_rest(&mut self, at: u64, why: SkipReason, out: &mut Outlet) {
        let len = self.forget(out);
        out.skipped(self.track(), at, len, why);
    }

    fn forget(&mut self, out: &mut Outlet) -> u64 {
        self.pes.forget();
        match &mut self.content {
            Content::Picture(picture) => picture.forget(out),
            Content::Sound(sound) => sound.forget(),
            Content::Id3(id3) => id3.held.split().len() as u64,
            Content::Scte35(_) => 0,
        }
    }

    fn encrypted(&mut self, packet: &TsPacket, out: &mut Outlet) {
        if !std::mem::replace(&mut self.told_encrypted, true) {
            let len = packet.payload.as_ref().map_or(0, Bytes::len) as u64;
            out.skipped(self.track(), packet.at, len, SkipReason::Encrypted);
        }
    }
}

impl TimedId3 {
    /// The tags of a PES packet; those without a time are given back.
    fn give(&mut self, out: &mut Outlet) -> Vec<Message> {
        let mut rest = self.held.split().freeze();
        let stamp = self.stamp.take();
        let mut timeless = Vec::new();
        while let Some(len) = id3::tag_len(&rest).filter(|len| *len <= rest.len()) {
            let message = Message::Id3 { payload: rest.split_to(len) };
            match stamp {
                Some(stamp) => {
                    let time = MediaTime::from_ticks(out.clock.near(stamp.pts), TIMESCALE);
                    out.message(time, None, message);
                }
                None => timeless.push(message),
            }
        }
        timeless
    }
}
