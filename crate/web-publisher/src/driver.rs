//! The loop: an input goes in, every output comes out and is done.
//!
//! Doing an output may call foreign code, which may call back: inputs wait in the inbox while one is being handled, and
//! nothing that a callback needs is borrowed while foreign code runs. One timer stands for the engine's `Wait`.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use bytes::Bytes;
use js_sys::{Float32Array, Function, Uint8Array};
use sailcast_engine::{
    FrameId, Instant, RequestId,
    publisher::{
        AudioEncoding, EncoderId, EncoderPath, Input, LinkEvent, Output, Publisher, PublisherConfig,
        VideoEncoding,
    },
};
use sailcast_media::MediaTime;
use sailcast_web_base::{
    alarm::Alarm,
    js::{Plain, now, text},
};
use wasm_bindgen::prelude::*;
use web_sys::VideoFrame;

use crate::{
    encoder::{Audio, Callback, Connect, Encoder, Said, Software, Video},
    events,
    frames::Frames,
    socket::Socket,
    sound::{Block, Sound},
};

/// A `Wait` whose instant passed while outputs were done is answered at once, so many times in a row; then by a
/// timer of zero, to let the browser's own events in.
const PROMPT_TIMEOUTS: u32 = 4;

pub struct Driver {
    publisher: RefCell<Publisher>,
    inbox: RefCell<VecDeque<Input>>,
    running: Cell<bool>,
    hands: RefCell<Hands>,
    sound: RefCell<Sound>,
    alarm: Alarm,
    on_event: Function,
    on_recorded: Function,
    /// Makes an encoder in WebAssembly.
    connect: Connect,
    me: Weak<Self>,
}

/// What the engine's ids stand for. Few of each at a time: lists do.
#[derive(Default)]
struct Hands {
    sockets: Vec<(RequestId, Link)>,
    encoders: Vec<(EncoderId, Rc<Encoder>)>,
    frames: Frames,
}

struct Link {
    socket: Socket,
    /// The engine knows that it is.
    open: bool,
}

impl Driver {
    pub fn new(
        config: PublisherConfig,
        on_event: Function,
        on_recorded: Function,
        connect: Connect,
    ) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            publisher: RefCell::new(Publisher::new(config)),
            inbox: RefCell::default(),
            running: Cell::new(false),
            hands: RefCell::default(),
            sound: RefCell::default(),
            alarm: Alarm::default(),
            on_event,
            on_recorded,
            connect,
            me: me.clone(),
        })
    }

    /// Handles `input` now, or right after the one being handled.
    pub fn send(&self, input: Input) {
        self.inbox.borrow_mut().push_back(input);
        if !self.running.replace(true) {
            let wait = self.drain_inbox();
            self.arm(wait);
            self.running.set(false);
        }
    }

    pub fn captured(&self, frame: VideoFrame) {
        let captured = self.hands.borrow_mut().frames.keep(frame, now());
        self.send(Input::Captured(captured));
    }

    pub fn set_sound_format(&self, sample_rate: u32, channels: u8) {
        self.sound.borrow_mut().set_format(sample_rate, channels);
        self.send(Input::SoundFormat { sample_rate, channels });
    }

    /// A block that has too few channels, or planes of different lengths, is left out: a gap, as the engine sees it.
    pub fn heard(&self, position: u64, planes: &[Float32Array]) {
        let frames = planes.first().map_or(0, Float32Array::length);
        let alike = planes.iter().all(|plane| plane.length() == frames);
        let mut sound = self.sound.borrow_mut();
        let fits = alike && planes.len() == usize::from(sound.channels());
        let kept = fits
            && sound.push(frames as usize, |channel, into| {
                if let Some(plane) = planes.get(usize::from(channel)) {
                    plane.copy_to(into);
                }
            });
        drop(sound);
        if kept {
            self.send(Input::Heard { position, frames });
        }
    }

    pub fn stats(&self) -> Plain {
        events::stats(&self.publisher.borrow().stats(now()))
    }

    /// After `Input::Close`: lets go of everything.
    pub fn release(&self) {
        drop(std::mem::take(&mut *self.hands.borrow_mut()));
        self.alarm.clear();
    }

    fn drain_inbox(&self) -> Option<Instant> {
        let mut wait = self.report_buffered();
        let mut prompt = 0;
        loop {
            let input = self.inbox.borrow_mut().pop_front();
            let input = match (input, wait) {
                (Some(input), _) => input,
                (None, Some(at)) if at <= now() && prompt < PROMPT_TIMEOUTS => {
                    prompt += 1;
                    Input::Timeout
                }
                _ => return wait,
            };
            wait = self.step(input);
        }
    }

    /// A socket does not speak by itself: it is asked at every wake.
    fn report_buffered(&self) -> Option<Instant> {
        let buffered: Vec<(RequestId, u64)> = {
            let hands = self.hands.borrow();
            let open = hands.sockets.iter().filter(|(_, link)| link.open);
            open.map(|(id, link)| (*id, link.socket.buffered())).collect()
        };
        let mut wait = None;
        for (id, bytes) in buffered {
            wait = self.step(Input::Link(id, LinkEvent::Buffered(bytes)));
        }
        wait
    }

    fn step(&self, input: Input) -> Option<Instant> {
        self.publisher.borrow_mut().handle(input, now());
        loop {
            let output = self.publisher.borrow_mut().poll_output();
            match output {
                Output::Wait(at) => return at,
                output => self.perform(output),
            }
        }
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Open(id, url) => self.open(id, &url),
            Output::Send(id, data) => self.with_socket(id, |socket| socket.send(&data)),
            Output::Finish(id) => self.with_socket(id, Socket::finish),
            Output::Cancel(id) => drop(self.take(|hands| &mut hands.sockets, id)),
            Output::ConfigureVideo(id, encoding) => self.configure_video(id, &encoding),
            Output::ConfigureAudio(id, encoding) => self.configure_audio(id, encoding),
            Output::Tune(id, encoding) => self.tune(id, &encoding),
            Output::TuneAudio(id, bitrate) => self.tune_audio(id, bitrate),
            Output::Encode { encoder, frame, pts, keyframe } => self.encode(encoder, frame, pts, keyframe),
            Output::Release(id) => self.hands.borrow_mut().frames.release(id),
            Output::EncodeSound { encoder, frames, pts } => {
                self.sound.borrow_mut().take(frames, |block| self.encode_sound(encoder, block, pts));
            }
            Output::EncodeSilence { encoder, frames, pts } => {
                self.sound.borrow_mut().silence(frames, |block| self.encode_sound(encoder, block, pts));
            }
            Output::DropSound { frames } => self.sound.borrow_mut().drop_frames(frames),
            Output::Flush(id) => {
                if let Some(encoder) = self.encoder(id) {
                    encoder.flush();
                }
            }
            Output::CloseEncoder(id) => drop(self.take(|hands| &mut hands.encoders, id)),
            Output::Record(data) => self.recorded(&data),
            Output::Event(event) => tell(&self.on_event, &events::event(event)),
            // Ends the loop in `step`.
            Output::Wait(_) => {}
        }
    }

    fn open(&self, id: RequestId, url: &str) {
        let me = self.me.clone();
        let deliver = Rc::new(move |event: LinkEvent| {
            if let Some(driver) = me.upgrade() {
                driver.heard_of(id, event);
            }
        });
        match Socket::open(url, deliver) {
            Ok(socket) => self.hands.borrow_mut().sockets.push((id, Link { socket, open: false })),
            Err(error) => self.send(Input::Link(id, LinkEvent::Refused(text(&error)))),
        }
    }

    fn heard_of(&self, id: RequestId, event: LinkEvent) {
        let opened = event == LinkEvent::Opened;
        if matches!(event, LinkEvent::Closed { .. }) {
            drop(self.take(|hands| &mut hands.sockets, id));
        }
        self.send(Input::Link(id, event));
        if opened && let Some(link) = find_mut(&mut self.hands.borrow_mut().sockets, id) {
            link.open = true;
        }
    }

    fn with_socket(&self, id: RequestId, act: impl FnOnce(&Socket)) {
        if let Some(link) = find(&self.hands.borrow().sockets, id) {
            act(&link.socket);
        }
    }

    fn configure_video(&self, id: EncoderId, encoding: &VideoEncoding) {
        let encoder = Video::open(encoding, self.callback(id)).map(Encoder::Video);
        self.configured(id, encoder);
    }

    fn configure_audio(&self, id: EncoderId, encoding: AudioEncoding) {
        let callback = self.callback(id);
        let encoder = match encoding.path {
            EncoderPath::WebCodecs => Audio::open(encoding, callback).map(Encoder::Audio),
            EncoderPath::Wasm => Software::open(&encoding, &self.connect, callback).map(Encoder::Software),
        };
        self.configured(id, encoder);
    }

    fn callback(&self, id: EncoderId) -> Callback {
        let me = self.me.clone();
        Rc::new(move |said| {
            if let Some(driver) = me.upgrade() {
                driver.said(id, said);
            }
        })
    }

    fn configured(&self, id: EncoderId, encoder: Result<Encoder, JsValue>) {
        match encoder {
            Ok(encoder) => self.hands.borrow_mut().encoders.push((id, Rc::new(encoder))),
            Err(error) => self.send(Input::EncoderFailed(id, text(&error))),
        }
    }

    fn tune(&self, id: EncoderId, encoding: &VideoEncoding) {
        if let Some(Encoder::Video(video)) = self.encoder(id).as_deref() {
            self.check(id, video.tune(encoding));
        }
    }

    fn tune_audio(&self, id: EncoderId, bitrate: u32) {
        match self.encoder(id).as_deref() {
            Some(Encoder::Audio(audio)) => self.check(id, audio.tune(bitrate)),
            Some(Encoder::Software(software)) => software.tune(bitrate),
            Some(Encoder::Video(_)) | None => {}
        }
    }

    /// A picture for an encoder that has failed meanwhile comes to nothing: the engine is about to hear of it.
    fn encode(&self, id: EncoderId, frame: FrameId, pts: MediaTime, keyframe: bool) {
        let encoder = self.encoder(id);
        let Some(Encoder::Video(video)) = encoder.as_deref() else { return };
        let result = match self.hands.borrow().frames.get(frame) {
            Some(frame) => video.encode(frame, pts, keyframe),
            None => return log::warn!("a picture to encode is gone"),
        };
        self.check(id, result);
    }

    fn encode_sound(&self, id: EncoderId, block: Block<'_>, pts: MediaTime) {
        match self.encoder(id).as_deref() {
            Some(Encoder::Audio(audio)) => self.check(id, audio.encode(block, pts)),
            Some(Encoder::Software(software)) => software.encode(block, pts),
            Some(Encoder::Video(_)) | None => {}
        }
    }

    fn check(&self, id: EncoderId, result: Result<(), JsValue>) {
        if let Err(error) = result {
            self.said(id, Said::Failed(text(&error)));
        }
    }

    /// What an encoder said. A closed one has nothing more to say.
    fn said(&self, id: EncoderId, said: Said) {
        if self.encoder(id).is_none() {
            return;
        }
        let input = match said {
            Said::Encoded(encoded) => Input::Encoded(id, encoded),
            Said::Flushed => Input::Flushed(id),
            Said::Failed(why) => {
                drop(self.take(|hands| &mut hands.encoders, id));
                Input::EncoderFailed(id, why)
            }
            Said::Reclaimed => {
                drop(self.take(|hands| &mut hands.encoders, id));
                Input::EncoderReclaimed(id)
            }
        };
        self.send(input);
    }

    fn recorded(&self, data: &Bytes) {
        tell(&self.on_recorded, &Uint8Array::from(&**data));
    }

    fn encoder(&self, id: EncoderId) -> Option<Rc<Encoder>> {
        find(&self.hands.borrow().encoders, id).cloned()
    }

    /// Takes an id's thing out, for the caller to drop when nothing is borrowed.
    fn take<K: PartialEq, V>(&self, list: impl FnOnce(&mut Hands) -> &mut Vec<(K, V)>, id: K) -> Option<V> {
        let mut hands = self.hands.borrow_mut();
        let list = list(&mut hands);
        let at = list.iter().position(|(other, _)| *other == id)?;
        Some(list.swap_remove(at).1)
    }

    fn arm(&self, wait: Option<Instant>) {
        let me = self.me.clone();
        self.alarm.set(wait, move || {
            if let Some(driver) = me.upgrade() {
                driver.alarm.clear();
                driver.send(Input::Timeout);
            }
        });
    }
}

fn find<K: PartialEq, V>(list: &[(K, V)], id: K) -> Option<&V> {
    list.iter().find(|(other, _)| *other == id).map(|(_, value)| value)
}

fn find_mut<K: PartialEq, V>(list: &mut [(K, V)], id: K) -> Option<&mut V> {
    list.iter_mut().find(|(other, _)| *other == id).map(|(_, value)| value)
}

fn tell(listener: &Function, what: &JsValue) {
    if let Err(error) = listener.call1(&JsValue::NULL, what) {
        log::error!("listener: {}", text(&error));
    }
}
