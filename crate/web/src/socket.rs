//! One WebSocket that is read. Dropping it closes the socket and hears no more of it.

use std::{cell::Cell, rc::Rc};

use bytes::Bytes;
use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Uint8Array};
use sailcast_engine::{IoError, IoEvent, Response};
use sailcast_web_base::js::text;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

/// What the engine is told when the handshake succeeds, in the place of an HTTP status.
const SWITCHING_PROTOCOLS: u16 = 101;

/// Close codes of RFC 6455, 7.4.1.
mod close {
    pub const NORMAL: u16 = 1000;
    /// A close frame without a code.
    pub const NO_STATUS: u16 = 1005;
    /// No close frame: the connection broke.
    pub const ABNORMAL: u16 = 1006;
}

pub struct Socket {
    socket: WebSocket,
    listeners: Vec<EventListener>,
}

impl Socket {
    /// Begins the handshake; an error is a URL the browser refuses. `deliver` is never called before this returns.
    pub fn open(url: &str, deliver: Rc<dyn Fn(IoEvent)>) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        Ok(Self::hear(socket, deliver))
    }

    /// Hears what it says from now on, that it opened as well.
    pub fn hear(socket: WebSocket, deliver: Rc<dyn Fn(IoEvent)>) -> Self {
        let opened = Rc::new(Cell::new(false));

        let on_open = {
            let (deliver, opened) = (deliver.clone(), opened.clone());
            move |_: &Event| {
                opened.set(true);
                deliver(IoEvent::Opened(Response::new(SWITCHING_PROTOCOLS, false)));
            }
        };
        let on_message = {
            let deliver = deliver.clone();
            move |event: &Event| match event.unchecked_ref::<MessageEvent>().data().dyn_into::<ArrayBuffer>()
            {
                Ok(buffer) => deliver(IoEvent::Bytes(Bytes::from(Uint8Array::new(&buffer).to_vec()))),
                Err(_) => log::warn!("a text message in a media stream was left out"),
            }
        };
        let on_close = move |event: &Event| {
            let event: &CloseEvent = event.unchecked_ref();
            deliver(ending(opened.get(), event.code(), event.reason()));
        };
        let listeners = vec![
            EventListener::new(&socket, "open", on_open),
            EventListener::new(&socket, "message", on_message),
            EventListener::new(&socket, "close", on_close),
        ];
        Self { socket, listeners }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.listeners.clear();
        if let Err(error) = self.socket.close() {
            log::debug!("close of a socket: {}", text(&error));
        }
    }
}

fn ending(opened: bool, code: u16, reason: String) -> IoEvent {
    match code {
        _ if !opened => IoEvent::Failed(IoError::Connect),
        close::NORMAL | close::NO_STATUS => IoEvent::End,
        close::ABNORMAL => IoEvent::Failed(IoError::Lost),
        code => IoEvent::Failed(IoError::Closed { code, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_never_opened_is_a_failed_connection_whatever_the_code() {
        assert_eq!(ending(false, close::NORMAL, String::new()), IoEvent::Failed(IoError::Connect));
        assert_eq!(ending(false, close::ABNORMAL, String::new()), IoEvent::Failed(IoError::Connect));
    }

    #[test]
    fn normal_codes_end_the_stream_and_others_say_why() {
        assert_eq!(ending(true, close::NORMAL, String::new()), IoEvent::End);
        assert_eq!(ending(true, close::NO_STATUS, String::new()), IoEvent::End);
        assert_eq!(ending(true, close::ABNORMAL, String::new()), IoEvent::Failed(IoError::Lost));
        assert_eq!(
            ending(true, 4001, "taken".into()),
            IoEvent::Failed(IoError::Closed { code: 4001, reason: "taken".into() })
        );
    }
}
