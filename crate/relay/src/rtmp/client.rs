//! A publisher's side of one RTMP connection.
//!
//! **Protocol:** write out what [`Client::output`] holds, give what comes to [`Client::input`], and send tags once
//! [`Client::is_publishing`]. After an error the connection is of no use.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use sailcast_media::{
    Value,
    flv::{
        TagKind,
        amf0::{AmfError, read_script, write_values},
    },
};
use thiserror::Error;

use super::{
    Target,
    chunk::{self, ChunkError, ChunkReader, Lane, Message},
};

const VERSION: u8 = 3;
/// C1, C2, S1 and S2 (5.2).
const HANDSHAKE_LEN: usize = 1536;

/// Message types (5.4 and 7.1).
const SET_CHUNK_SIZE: u8 = 1;
const ABORT: u8 = 2;
const ACKNOWLEDGEMENT: u8 = 3;
const USER_CONTROL: u8 = 4;
const WINDOW_SIZE: u8 = 5;
const PEER_BANDWIDTH: u8 = 6;
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const COMMAND_AMF3: u8 = 17;
const DATA: u8 = 18;
const COMMAND: u8 = 20;
/// Events of user control (7.1.7).
const PING_REQUEST: u16 = 6;
const PING_RESPONSE: u16 = 7;

const CONTROL_LANE: Lane = Lane { chunk_stream: 2, stream: 0 };
const COMMAND_LANE: Lane = Lane { chunk_stream: 3, stream: 0 };
/// What of media goes by which chunk stream, as other encoders have it.
const AUDIO_CHUNKS: u8 = 4;
const VIDEO_CHUNKS: u8 = 6;
const DATA_CHUNKS: u8 = 5;

/// The smallest window taken at its word: a server may not ask for an acknowledgement of each byte.
const MIN_WINDOW: u32 = 4096;
/// The longest of a server's words that is told on.
const MAX_REASON: usize = 200;

/// Numbers of the commands, by which their answers are known.
const CONNECT: u32 = 1;
const RELEASE_STREAM: u32 = 2;
const FC_PUBLISH: u32 = 3;
const CREATE_STREAM: u32 = 4;
const PUBLISH: u32 = 5;
const FC_UNPUBLISH: u32 = 6;
const DELETE_STREAM: u32 = 7;

/// What may come in enhanced FLV, which some servers want to know ("Enhanced RTMP v2", Enhancing NetConnection connect
/// Command).
const FOUR_CC: [&str; 5] = ["hvc1", "av01", "vp09", "Opus", "fLaC"];
/// Some servers serve encoders that they know by name alone, in this form.
const FLASH_VERSION: &str = "FMLE/3.0 (compatible; Sailcast)";

/// Why a connection is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RtmpError {
    #[error("it does not speak RTMP 3: its first byte is {0}")]
    Version(u8),
    #[error("its RTMP is damaged: {0}")]
    Chunk(#[from] ChunkError),
    #[error("its RTMP is damaged: {0}")]
    Amf(#[from] AmfError),
    /// In the server's own words.
    #[error("refused: {0}")]
    Refused(String),
}

/// In the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// S0, S1 are awaited.
    Hello,
    /// S2 is awaited.
    Echo,
    Connecting,
    Creating,
    Asking,
    Publishing,
    Unpublished,
}

pub struct Client {
    app: String,
    tc_url: String,
    play_path: String,
    step: Step,
    hello: BytesMut,
    reader: ChunkReader,
    out: BytesMut,
    /// What we have told of our chunks' size.
    chunk: usize,
    stream: u32,
    /// The server wants to hear of each so many bytes.
    window: Option<u32>,
    received: u32,
    acknowledged: u32,
}

impl Client {
    /// `seed`: for the bytes of the handshake that should be random; nothing depends on how well they are.
    pub fn new(target: &Target, name: &str, seed: u64) -> Self {
        let mut out = BytesMut::with_capacity(1 + HANDSHAKE_LEN);
        out.put_u8(VERSION);
        out.put_bytes(0, 8);
        let mut state = seed | 1;
        while out.len() < 1 + HANDSHAKE_LEN {
            // Marsaglia's xorshift64.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            out.put_u64(state);
        }
        Self {
            app: target.app().to_owned(),
            tc_url: target.tc_url(),
            play_path: target.play_path(name),
            step: Step::Hello,
            hello: BytesMut::new(),
            reader: ChunkReader::default(),
            out,
            chunk: 128,
            stream: 0,
            window: None,
            received: 0,
            acknowledged: 0,
        }
    }

    /// What is to be written to the server, taken from its front.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    pub fn is_publishing(&self) -> bool {
        self.step == Step::Publishing
    }

    pub fn input(&mut self, mut data: &[u8]) -> Result<(), RtmpError> {
        while matches!(self.step, Step::Hello | Step::Echo) {
            let wanted = if self.step == Step::Hello { 1 + HANDSHAKE_LEN } else { HANDSHAKE_LEN };
            let taken = data.len().min(wanted - self.hello.len());
            self.hello.extend_from_slice(&data[..taken]);
            data = &data[taken..];
            match self.hello.first() {
                Some(version) if self.step == Step::Hello && *version != VERSION => {
                    return Err(RtmpError::Version(*version));
                }
                _ => {}
            }
            if self.hello.len() < wanted {
                return Ok(());
            }
            self.greeted();
        }
        self.count(data.len());
        self.reader.push(data);
        while let Some(message) = self.reader.poll()? {
            self.message(message)?;
        }
        Ok(())
    }

    /// A tag as a message, its body as it is.
    pub fn send(&mut self, kind: TagKind, timestamp: u32, body: &[u8]) {
        let lane = |chunk_stream| Lane { chunk_stream, stream: self.stream };
        let (lane, kind) = match kind {
            TagKind::Audio => (lane(AUDIO_CHUNKS), AUDIO),
            TagKind::Video => (lane(VIDEO_CHUNKS), VIDEO),
            TagKind::Script => (lane(DATA_CHUNKS), DATA),
        };
        chunk::write(&mut self.out, lane, kind, timestamp, body, self.chunk);
    }

    /// Says that nothing more comes.
    pub fn unpublish(&mut self) {
        if self.step != Step::Publishing {
            return;
        }
        self.step = Step::Unpublished;
        let play_path = self.play_path.clone();
        self.command("FCUnpublish", FC_UNPUBLISH, &[Value::Null, Value::String(play_path)]);
        self.command("deleteStream", DELETE_STREAM, &[Value::Null, Value::Number(self.stream.into())]);
    }

    /// One part of the handshake is there.
    fn greeted(&mut self) {
        let part = std::mem::take(&mut self.hello);
        if self.step == Step::Hello {
            // C2 is S1 again.
            self.out.put_slice(&part[1..]);
            self.step = Step::Echo;
            return;
        }
        self.step = Step::Connecting;
        self.control(SET_CHUNK_SIZE, &(chunk::CHUNK as u32).to_be_bytes());
        self.chunk = chunk::CHUNK;
        let text = |s: &str| Value::String(s.to_owned());
        let about = [
            ("app", text(&self.app)),
            ("type", text("nonprivate")),
            ("flashVer", text(FLASH_VERSION)),
            ("tcUrl", text(&self.tc_url)),
            ("fourCcList", Value::Array(FOUR_CC.map(text).into())),
        ];
        let about = about.map(|(key, value)| (key.to_owned(), value));
        self.command("connect", CONNECT, &[Value::Object(about.into())]);
    }

    /// Acknowledges what came, as often as the server wants it.
    fn count(&mut self, bytes: usize) {
        self.received = self.received.wrapping_add(bytes as u32);
        let owed = self.received.wrapping_sub(self.acknowledged);
        if self.window.is_some_and(|window| owed >= window) {
            self.acknowledged = self.received;
            self.control(ACKNOWLEDGEMENT, &self.received.to_be_bytes());
        }
    }

    fn message(&mut self, message: Message) -> Result<(), RtmpError> {
        let mut body = message.body;
        let number = body.clone().try_get_u32().unwrap_or(0);
        match message.kind {
            SET_CHUNK_SIZE => self.reader.set_chunk_size(number)?,
            ABORT => self.reader.abort(number),
            WINDOW_SIZE if number > 0 => self.window = Some(number.max(MIN_WINDOW)),
            PEER_BANDWIDTH => self.control(WINDOW_SIZE, &number.to_be_bytes()),
            USER_CONTROL if body.try_get_u16() == Ok(PING_REQUEST) => self.pong(body),
            COMMAND => self.answer(&body)?,
            // One byte says that AMF0 follows after all.
            COMMAND_AMF3 if !body.is_empty() => self.answer(&body[1..])?,
            _ => {}
        }
        Ok(())
    }

    fn pong(&mut self, stamp: Bytes) {
        let mut body = [0; 6];
        body[..2].copy_from_slice(&PING_RESPONSE.to_be_bytes());
        if let Some(stamp) = stamp.first_chunk::<4>() {
            body[2..].copy_from_slice(stamp);
        }
        self.control(USER_CONTROL, &body);
    }

    fn answer(&mut self, body: &[u8]) -> Result<(), RtmpError> {
        let (name, values) = read_script(body)?;
        let number = match values.first() {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        };
        let is = |transaction: u32| number == f64::from(transaction);
        let about = values.get(2).or(values.get(1));
        match (name.as_str(), self.step) {
            ("_result", Step::Connecting) if is(CONNECT) => self.create(),
            ("_result", Step::Creating) if is(CREATE_STREAM) => self.publish(values.get(2)),
            // Servers that do not know the commands of old encoders say so, and go on. Some do not say which command
            // they refuse.
            ("_error", step) if !is(RELEASE_STREAM) && !is(FC_PUBLISH) && step < Step::Publishing => {
                return Err(RtmpError::Refused(reason(about)));
            }
            ("onStatus", _) => match field(about, "code") {
                Some("NetStream.Publish.Start") if self.step == Step::Asking => self.step = Step::Publishing,
                _ if field(about, "level") == Some("error") => return Err(RtmpError::Refused(reason(about))),
                _ => {}
            },
            ("close", _) => return Err(RtmpError::Refused("the server says close".to_owned())),
            _ => {}
        }
        Ok(())
    }

    fn create(&mut self) {
        self.step = Step::Creating;
        let play_path = Value::String(self.play_path.clone());
        self.command("releaseStream", RELEASE_STREAM, &[Value::Null, play_path.clone()]);
        self.command("FCPublish", FC_PUBLISH, &[Value::Null, play_path]);
        self.command("createStream", CREATE_STREAM, &[Value::Null]);
    }

    fn publish(&mut self, stream: Option<&Value>) {
        // Whatever is no stream's number becomes the one that nearly all servers give.
        self.stream = match stream {
            Some(Value::Number(number)) if (0.0..=f64::from(u32::MAX)).contains(number) => *number as u32,
            _ => 1,
        };
        self.step = Step::Asking;
        let lane = Lane { stream: self.stream, ..COMMAND_LANE };
        let play_path = Value::String(self.play_path.clone());
        self.command_on(
            lane,
            "publish",
            PUBLISH,
            &[Value::Null, play_path, Value::String("live".to_owned())],
        );
    }

    fn command(&mut self, name: &str, transaction: u32, values: &[Value]) {
        self.command_on(COMMAND_LANE, name, transaction, values);
    }

    fn command_on(&mut self, lane: Lane, name: &str, transaction: u32, values: &[Value]) {
        let mut body = BytesMut::new();
        let head = [Value::String(name.to_owned()), Value::Number(transaction.into())];
        // Values of ours, none of which is too deep or too long.
        if let Err(error) = write_values(&mut body, &head).and_then(|()| write_values(&mut body, values)) {
            log::error!("RTMP command {name}: {error}");
        }
        chunk::write(&mut self.out, lane, COMMAND, 0, &body, self.chunk);
    }

    fn control(&mut self, kind: u8, body: &[u8]) {
        chunk::write(&mut self.out, CONTROL_LANE, kind, 0, body, self.chunk);
    }
}

fn field<'a>(about: Option<&'a Value>, key: &str) -> Option<&'a str> {
    let Some(Value::Object(fields)) = about else { return None };
    fields.iter().find_map(|(name, value)| match value {
        Value::String(text) if name == key => Some(text.as_str()),
        _ => None,
    })
}

/// A server's words, fit for a log's line.
fn reason(about: Option<&Value>) -> String {
    let words = [field(about, "code"), field(about, "description")];
    let said: Vec<&str> = words.into_iter().flatten().filter(|words| !words.is_empty()).collect();
    if said.is_empty() {
        return "without a reason".to_owned();
    }
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    said.join(": ").chars().map(plain).take(MAX_REASON).collect()
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
