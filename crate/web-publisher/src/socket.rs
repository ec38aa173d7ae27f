//! One WebSocket that is published to. Dropping it closes the socket and hears no more of it.

use std::{cell::Cell, rc::Rc};

use bytes::Bytes;
use gloo_events::EventListener;
use js_sys::Array;
use sailcast_engine::publisher::LinkEvent;
use sailcast_web_base::js::text;
use wasm_bindgen::prelude::*;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket};

/// What node-media-server knows a publisher by: without it, it takes the first one offered.
const PUBLISHER: &str = "publisher";
/// The server tells how many bytes it has received. One that does not know it chooses the other.
const ACKS: &str = "acks.sailcast";

/// RFC 6455, 7.4.1.
const NORMAL_CLOSURE: u16 = 1000;

pub struct Socket {
    socket: WebSocket,
    listeners: Vec<EventListener>,
}

impl Socket {
    /// Begins the handshake; an error is a URL the browser refuses. `deliver` is never called before this returns.
    pub fn open(url: &str, deliver: Rc<dyn Fn(LinkEvent)>) -> Result<Self, JsValue> {
        let protocols = Array::of2(&PUBLISHER.into(), &ACKS.into());
        let socket = WebSocket::new_with_str_sequence(url, &protocols)?;
        socket.set_binary_type(BinaryType::Arraybuffer);
        let opened = Rc::new(Cell::new(false));

        let on_open = {
            let (deliver, opened) = (deliver.clone(), opened.clone());
            move |_: &Event| {
                opened.set(true);
                deliver(LinkEvent::Opened);
            }
        };
        let on_message = {
            let deliver = deliver.clone();
            move |event: &Event| {
                let data = event.unchecked_ref::<MessageEvent>().data();
                match data.as_string().as_deref().and_then(received) {
                    Some(bytes) => deliver(LinkEvent::Acked(bytes)),
                    None => log::debug!("a message of the server that says nothing to a publisher"),
                }
            }
        };
        let on_close = move |event: &Event| {
            let event: &CloseEvent = event.unchecked_ref();
            deliver(LinkEvent::Closed { opened: opened.get(), code: event.code(), reason: event.reason() });
        };
        let listeners = vec![
            EventListener::new(&socket, "open", on_open),
            EventListener::new(&socket, "message", on_message),
            EventListener::new(&socket, "close", on_close),
        ];
        Ok(Self { socket, listeners })
    }

    /// One binary message. After the end it comes to nothing: the engine is about to hear of it.
    pub fn send(&self, data: &Bytes) {
        if let Err(error) = self.socket.send_with_u8_array(data) {
            log::debug!("a socket does not send: {}", text(&error));
        }
    }

    /// Closes once all is sent: `Closed` follows.
    pub fn finish(&self) {
        if let Err(error) = self.socket.close_with_code(NORMAL_CLOSURE) {
            log::debug!("close of a socket: {}", text(&error));
        }
    }

    /// Of what the browser itself still has. The system's buffers count as sent, and take megabytes of a fast connection that has
    /// become slow: only acknowledgements tell of those.
    pub fn buffered(&self) -> u64 {
        self.socket.buffered_amount().into()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.listeners.clear();
        self.finish();
    }
}

/// `{"received":N}`, and nothing else.
fn received(message: &str) -> Option<u64> {
    let digits = message.strip_prefix(r#"{"received":"#)?.strip_suffix('}')?;
    // `parse` would take a sign too.
    if digits.bytes().all(|digit| digit.is_ascii_digit()) { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_is_read_to_the_letter() {
        assert_eq!(received(r#"{"received":0}"#), Some(0));
        assert_eq!(received(r#"{"received":18446744073709551615}"#), Some(u64::MAX));
    }

    #[test]
    fn other_messages_say_nothing() {
        for message in [
            "",
            "{}",
            r#"{"received":}"#,
            r#"{"received":-1}"#,
            r#"{"received":+1}"#,
            r#"{"received":1.5}"#,
            r#"{"received":18446744073709551616}"#,
            r#"{"received":1,"more":2}"#,
            r#"{"received": 1}"#,
        ] {
            assert_eq!(received(message), None, "{message}");
        }
    }
}
