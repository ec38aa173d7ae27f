//! Does what the engine says, with virtual decoders, and checks that it may be said.

use aes::cipher::{BlockDecryptMut, KeyIvInit, block_padding::Pkcs7};
use bytes::Bytes;
use sailcast_engine::{Decryption, Event, FrameId, Input, Output, RequestId};
use sailcast_media::Micros;

use crate::{
    browser::{Happening, Sim},
    decoder::Picture,
};

const DECRYPT_TIME: Micros = Micros(2_000);
/// The page asks its own server for a signed address.
const RESOLVE_TIME: Micros = Micros(30_000);

impl Sim {
    pub(crate) fn drain(&mut self) {
        loop {
            match self.player.poll_output() {
                Output::Wait(at) => {
                    self.wake = at.map(|at| at.max(self.now + Micros(1)));
                    break;
                }
                output => self.obey(output),
            }
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Open(id, request) => {
                let stream = self.server.connect(&request, self.now);
                self.requests.push((id, request.url));
                self.connected(id, stream);
            }
            Output::Cancel(id) => {
                self.cancelled.push(id);
                self.disconnected(id);
            }
            Output::Decrypt(id, request) => self.decrypt(id, request),
            Output::Recorded(data) => self.recorded.push(data),
            Output::Resolve(id, request) => {
                let url = format!("{}?attempt={}", request.url, request.attempt);
                self.resolved.push(request);
                self.schedule(RESOLVE_TIME, Happening::Input(Input::Resolved(id, Ok(url))));
            }
            Output::Configure(id, config, mode) => self.configure(id, config, mode),
            Output::Decode(id, packet) => self.decode(id, packet),
            Output::Flush(id) => self.flush(id),
            Output::CloseDecoder(id) => {
                self.decoders.remove(&id);
                assert!(self.closed_decoders.insert(id), "closed a decoder twice");
            }
            Output::Render(id) => {
                let picture = self.take_frame(id);
                if let Some(last) = self.last_shown.filter(|_| !self.seeking) {
                    assert!(picture.pts > last, "picture went back from {last:?} to {:?}", picture.pts);
                }
                self.last_shown = Some(picture.pts);
                self.shown.push((self.now, picture.pts));
                self.shown_numbers.push(picture.number);
            }
            Output::Release(id) => {
                self.take_frame(id);
            }
            Output::Pcm(block) => {
                let card = self.card.as_mut().expect("PCM without an output");
                assert_eq!(block.sample_rate, card.sample_rate);
                assert_eq!(block.channels, 2);
                card.write(&block.data);
            }
            Output::ClearPcm => {
                if let Some(card) = &mut self.card {
                    card.clear();
                }
            }
            Output::Event(event) => {
                match event {
                    Event::Seeking(_) => (self.seeking, self.last_shown) = (true, None),
                    Event::Seeked(_) => self.seeking = false,
                    _ => {}
                }
                self.events.push((self.now, event));
            }
            Output::Wait(_) => {}
        }
    }

    fn decrypt(&mut self, id: RequestId, request: Decryption) {
        let decryptor = cbc::Decryptor::<aes::Aes128>::new(&request.key.into(), &request.iv.into());
        let clear = decryptor.decrypt_padded_vec_mut::<Pkcs7>(&request.data);
        let clear = clear.map(Bytes::from).map_err(|_| "The operation failed".to_owned());
        self.schedule(DECRYPT_TIME, Happening::Input(Input::Decrypted(id, clear)));
    }

    fn take_frame(&mut self, id: FrameId) -> Picture {
        self.frames.remove(&id).unwrap_or_else(|| panic!("{id:?} finished twice, or never decoded"))
    }
}
