//! The loop: an input goes in, every output comes out and is done.
//!
//! Doing an output may call the page's code, which may call back: inputs wait in the inbox while one is being
//! handled, and nothing is borrowed while foreign code runs. One timer stands for the engine's `Wait`.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::{Rc, Weak},
};

use js_sys::{Function, futures::spawn_local};
use sailcast_engine::{
    AudioOutput, DecoderId, DecoderMode, DecoderPath, Decryption, Event, FrameId, FrameInfo, Input, Instant,
    IoError, IoEvent, IoRequest, Load, Output, Player, PlayerConfig, RequestId, Transport,
};
use sailcast_media::{DecoderConfig, Packet, Turn};
use sailcast_web_base::{
    alarm::Alarm,
    js::{Plain, now, text},
};
use wasm_bindgen::prelude::*;

use crate::{
    ALL,
    decoder::{Callback, Decoded, Decoder, Frame, Software, WebCodecs},
    decrypt::decrypt,
    early::EarlyRequest,
    events,
    fetch::Fetch,
    pcm::Pcm,
    quality,
    sink::Sink,
    socket::Socket,
};

/// A `Wait` whose instant passed while outputs were done is answered at once, so many times in a row; then by a
/// timer of zero, to let the browser's own events in.
const PROMPT_TIMEOUTS: u32 = 4;

pub struct Driver {
    player: RefCell<Player>,
    inbox: RefCell<VecDeque<Input>>,
    running: Cell<bool>,
    hands: RefCell<Hands>,
    alarm: Alarm,
    /// For the next request, while a load begins.
    early: RefCell<Option<EarlyRequest>>,
    on_event: Function,
    /// Gives a port to a codec worker.
    connect: Function,
    me: Weak<Self>,
}

/// What the engine's ids stand for. Few of each at a time: lists do.
#[derive(Default)]
struct Hands {
    requests: Vec<(RequestId, Request)>,
    decoders: Vec<(DecoderId, Box<dyn Decoder>)>,
    frames: Vec<(FrameId, Frame)>,
    next_frame: u64,
    sink: Option<Sink>,
    pcm: Option<Pcm>,
    /// Frames the output has taken, as last told to the engine.
    played: u64,
}

/// A connection; closed when dropped.
enum Request {
    Fetch { _fetch: Fetch },
    Socket { _socket: Socket },
}

impl Driver {
    pub fn new(config: PlayerConfig, on_event: Function, connect: Function) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            player: RefCell::new(Player::new(config)),
            inbox: RefCell::default(),
            running: Cell::new(false),
            hands: RefCell::default(),
            alarm: Alarm::default(),
            early: RefCell::default(),
            on_event,
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

    pub fn load(&self, load: Load, early: Option<EarlyRequest>) {
        self.early.replace(early);
        self.send(Input::Load(load));
        // An address that the engine refuses is not asked for by others either.
        if let Some(early) = self.early.take() {
            early.abort().abort();
        }
    }

    pub fn set_sink(&self, sink: Sink) {
        self.hands.borrow_mut().sink = Some(sink);
    }

    pub fn with_sink(&self, change: impl FnOnce(&mut Sink)) {
        if let Some(sink) = &mut self.hands.borrow_mut().sink {
            change(sink);
        }
    }

    /// The picture that is shown; undefined where the sink does not keep it.
    pub fn picture(&self) -> JsValue {
        self.hands.borrow().sink.as_ref().map_or(JsValue::UNDEFINED, Sink::picture)
    }

    /// A replaced output is off first: the engine counts its frames anew.
    pub fn set_audio(&self, pcm: Pcm, output: AudioOutput) {
        self.set_audio_off();
        self.hands.borrow_mut().pcm = Some(pcm);
        self.send(Input::AudioOutput(output));
    }

    pub fn set_audio_off(&self) {
        let old = {
            let mut hands = self.hands.borrow_mut();
            hands.played = 0;
            hands.pcm.take()
        };
        if let Some(mut pcm) = old {
            pcm.clear();
            self.send(Input::AudioOutput(AudioOutput::Off));
        }
    }

    pub fn stats(&self) -> Plain {
        let stats = self.player.borrow().stats(now());
        let hands = self.hands.borrow();
        events::stats(&stats, hands.sink.as_ref().map_or("canvas", Sink::name))
    }

    /// `WorkerQuality` of now; null before the first load.
    pub fn quality(&self) -> JsValue {
        let player = self.player.borrow();
        let now = now();
        let stats = player.stats(now);
        player.quality(now).map_or(JsValue::NULL, |all| quality::quality(&all, &stats).into())
    }

    /// What has come of a file that needs the other module; null without.
    pub fn begun(&self) -> JsValue {
        self.player.borrow().begun().map_or(JsValue::NULL, |begun| events::begun(begun).into())
    }

    pub fn log(&self) -> Plain {
        quality::log(self.player.borrow().log())
    }

    /// Whether an input is being handled.
    pub fn busy(&self) -> bool {
        self.running.get()
    }

    /// After `Input::Close`: lets go of what the page gave.
    pub fn release(&self) {
        drop(std::mem::take(&mut *self.hands.borrow_mut()));
        self.alarm.clear();
    }

    fn drain_inbox(&self) -> Option<Instant> {
        let mut wait = self.report_played();
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

    /// A ring does not speak by itself: its reader is asked at every wake.
    fn report_played(&self) -> Option<Instant> {
        let frames = {
            let mut hands = self.hands.borrow_mut();
            match &mut hands.pcm {
                Some(Pcm::Ring(ring)) => ring.taken(),
                _ => return None,
            }
        };
        let before = std::mem::replace(&mut self.hands.borrow_mut().played, frames);
        if frames > before { self.step(Input::AudioPlayed { frames }) } else { None }
    }

    fn step(&self, input: Input) -> Option<Instant> {
        self.player.borrow_mut().handle(input, now());
        loop {
            let output = self.player.borrow_mut().poll_output();
            match output {
                Output::Wait(at) => return at,
                output => self.perform(output),
            }
        }
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Open(id, request) => self.open(id, request),
            Output::Resolve(id, request) => self.tell(&events::resolve(id, request)),
            Output::Cancel(id) => drop(self.take(|hands| &mut hands.requests, id)),
            Output::Configure(id, config, mode) => self.configure(id, &config, mode),
            Output::Decode(id, packet) => self.decode(id, &packet),
            Output::Flush(id) => self.flush(id),
            Output::CloseDecoder(id) => drop(self.take(|hands| &mut hands.decoders, id)),
            Output::Render(id) => self.render(id),
            Output::Release(id) => drop(self.take(|hands| &mut hands.frames, id)),
            Output::Pcm(block) => {
                if let Some(pcm) = &mut self.hands.borrow_mut().pcm {
                    pcm.push(&block);
                }
            }
            Output::ClearPcm => {
                if let Some(pcm) = &mut self.hands.borrow_mut().pcm {
                    pcm.clear();
                }
            }
            Output::Decrypt(id, task) if ALL => self.decrypt(id, task),
            // No stream is encrypted.
            Output::Decrypt(..) => {}
            Output::Recorded(data) => self.tell(&events::recorded(&data)),
            Output::Event(Event::FirstFrame) => self.tell(&self.first_frame()),
            Output::Event(event) => self.tell(&events::event(event)),
            // Ends the loop in `step`.
            Output::Wait(_) => {}
        }
    }

    /// The event tells how it came about.
    fn first_frame(&self) -> Plain {
        let event = events::event(Event::FirstFrame);
        match self.player.borrow().quality(now()) {
            Some(all) => quality::with_start_up(event, &all),
            None => event,
        }
    }

    fn tell(&self, event: &JsValue) {
        if let Err(error) = self.on_event.call1(&JsValue::NULL, event) {
            log::error!("event listener: {}", text(&error));
        }
    }

    fn open(&self, id: RequestId, IoRequest { url, transport, range, fresh }: IoRequest) {
        let me = self.me.clone();
        let deliver = Rc::new(move |event: IoEvent| {
            let Some(driver) = me.upgrade() else { return };
            if matches!(event, IoEvent::End | IoEvent::Failed(_)) {
                drop(driver.take(|hands| &mut hands.requests, id));
            }
            driver.send(Input::Io(id, event));
        });
        let early = self.early.borrow_mut().take_if(|early| early.serves(&url, range));
        let request = match transport {
            Transport::Http => {
                let fetch = match early {
                    Some(early) => Ok(Fetch::adopt(&early, range, deliver)),
                    None => Fetch::open(&url, range, fresh, deliver),
                };
                fetch.map(|fetch| Request::Fetch { _fetch: fetch })
            }
            Transport::WebSocket => {
                let socket = match early.and_then(|early| early.socket()) {
                    Some(socket) => Ok(Socket::hear(socket, deliver)),
                    None => Socket::open(&url, deliver),
                };
                socket.map(|socket| Request::Socket { _socket: socket })
            }
        };
        match request {
            Ok(request) => self.hands.borrow_mut().requests.push((id, request)),
            Err(error) => {
                log::warn!("the browser refuses the address: {}", text(&error));
                self.send(Input::Io(id, IoEvent::Failed(IoError::Connect)));
            }
        }
    }

    /// What the engine has taken back it does not know any more when the answer comes.
    fn decrypt(&self, id: RequestId, task: Decryption) {
        let me = self.me.clone();
        spawn_local(async move {
            let clear = decrypt(task).await;
            if let Some(driver) = me.upgrade() {
                driver.send(Input::Decrypted(id, clear));
            }
        });
    }

    fn configure(&self, id: DecoderId, config: &DecoderConfig, mode: DecoderMode) {
        let me = self.me.clone();
        let turn = config.turn();
        let callback: Callback = Rc::new(move |decoded| {
            if let Some(driver) = me.upgrade() {
                driver.decoded(id, decoded, turn);
            }
        });
        let decoder: Result<Box<dyn Decoder>, JsValue> = match mode.path {
            DecoderPath::WebCodecs => {
                WebCodecs::open(config, mode.low_delay, callback).map(|decoder| Box::new(decoder) as _)
            }
            DecoderPath::Wasm => Software::open(config, self.draws_planes(), &self.connect, callback)
                .map(|decoder| Box::new(decoder) as _),
        };
        match decoder {
            Ok(decoder) => self.hands.borrow_mut().decoders.push((id, decoder)),
            Err(error) => self.send(Input::DecoderFailed(id, text(&error))),
        }
    }

    fn draws_planes(&self) -> bool {
        self.hands.borrow().sink.as_ref().is_some_and(|sink| sink.name() == "webgl")
    }

    /// A packet for a decoder that has failed meanwhile comes to nothing: the engine is about to hear of it.
    fn decode(&self, id: DecoderId, packet: &Packet) {
        let result = find(&self.hands.borrow().decoders, id).map(|decoder| decoder.decode(packet));
        if let Some(Err(error)) = result {
            self.decoded(id, Decoded::Failed(text(&error)), Turn::NONE);
        }
    }

    fn flush(&self, id: DecoderId) {
        if let Some(decoder) = find(&self.hands.borrow().decoders, id) {
            decoder.flush();
        }
    }

    /// What a decoder said. A closed one has nothing more to say: its frame is dropped, which closes it.
    fn decoded(&self, id: DecoderId, decoded: Decoded, turn: Turn) {
        if find(&self.hands.borrow().decoders, id).is_none() {
            return;
        }
        let input = match decoded {
            Decoded::Frame(frame) => Input::FrameDecoded(id, self.keep(frame, turn)),
            Decoded::Samples(time, block) => Input::SamplesDecoded(id, time, block),
            Decoded::Flushed => Input::Flushed(id),
            Decoded::LeftOut(pts, why) => Input::LeftOut(id, pts, why),
            Decoded::Failed(why) => {
                drop(self.take(|hands| &mut hands.decoders, id));
                Input::DecoderFailed(id, why)
            }
            Decoded::Reclaimed => {
                drop(self.take(|hands| &mut hands.decoders, id));
                Input::DecoderReclaimed(id)
            }
        };
        self.send(input);
    }

    fn keep(&self, frame: Frame, turn: Turn) -> FrameInfo {
        let mut hands = self.hands.borrow_mut();
        let id = FrameId(hands.next_frame);
        hands.next_frame += 1;
        let turn = frame.left_of(turn);
        let (width, height) = turn.size(frame.size());
        let info = FrameInfo { id, pts: frame.pts(), width, height, turn };
        hands.frames.push((id, frame));
        info
    }

    fn render(&self, id: FrameId) {
        let frame = self.take(|hands| &mut hands.frames, id);
        let shown = match (frame, &mut self.hands.borrow_mut().sink) {
            (Some(frame), Some(sink)) => sink.show(frame),
            _ => return,
        };
        if !shown {
            self.send(Input::NotShown(id));
        }
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
