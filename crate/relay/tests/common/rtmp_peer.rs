//! rml_rtmp as the server that is published to: an implementation of RTMP that is not ours.

use bytes::Bytes;
use rml_rtmp::{
    handshake::{Handshake, HandshakeProcessResult, PeerType},
    sessions::{ServerSession, ServerSessionConfig, ServerSessionEvent, ServerSessionResult},
};

/// What a publisher did, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    Connect(String),
    Publish(String),
    Finish,
    Metadata { width: Option<u32> },
    Audio(u32, Bytes),
    Video(u32, Bytes),
}

pub struct Peer {
    handshake: Handshake,
    session: Option<ServerSession>,
    /// Why it refuses to let publish, if it does.
    refusal: Option<&'static str>,
    pub seen: Vec<Seen>,
}

impl Peer {
    pub fn new(refusal: Option<&'static str>) -> Self {
        Self { handshake: Handshake::new(PeerType::Server), session: None, refusal, seen: Vec::new() }
    }

    /// Takes a publisher's bytes; its answer.
    pub fn input(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let rest = match &self.session {
            Some(_) => data.to_vec(),
            None => match self.handshake.process_bytes(data).expect("a good handshake") {
                HandshakeProcessResult::InProgress { response_bytes } => return response_bytes,
                HandshakeProcessResult::Completed { response_bytes, remaining_bytes } => {
                    out = response_bytes;
                    let (session, first) = ServerSession::new(ServerSessionConfig::new()).unwrap();
                    self.session = Some(session);
                    self.take(first, &mut out);
                    remaining_bytes
                }
            },
        };
        let results = self.session.as_mut().unwrap().handle_input(&rest).expect("RTMP without a fault");
        self.take(results, &mut out);
        out
    }

    fn take(&mut self, results: Vec<ServerSessionResult>, out: &mut Vec<u8>) {
        for result in results {
            match result {
                ServerSessionResult::OutboundResponse(packet) => out.extend(packet.bytes),
                ServerSessionResult::RaisedEvent(event) => self.event(event, out),
                ServerSessionResult::UnhandleableMessageReceived(message) => panic!("{message:?}"),
            }
        }
    }

    fn event(&mut self, event: ServerSessionEvent, out: &mut Vec<u8>) {
        let mut request = None;
        self.seen.extend(match event {
            ServerSessionEvent::ConnectionRequested { request_id, app_name } => {
                request = Some((request_id, None));
                Some(Seen::Connect(app_name))
            }
            ServerSessionEvent::ReleaseStreamRequested { request_id, .. } => {
                request = Some((request_id, None));
                None
            }
            ServerSessionEvent::PublishStreamRequested { request_id, stream_key, .. } => {
                request = Some((request_id, self.refusal));
                Some(Seen::Publish(stream_key))
            }
            ServerSessionEvent::PublishStreamFinished { .. } => Some(Seen::Finish),
            ServerSessionEvent::StreamMetadataChanged { metadata, .. } => {
                Some(Seen::Metadata { width: metadata.video_width })
            }
            ServerSessionEvent::AudioDataReceived { data, timestamp, .. } => {
                Some(Seen::Audio(timestamp.value, data))
            }
            ServerSessionEvent::VideoDataReceived { data, timestamp, .. } => {
                Some(Seen::Video(timestamp.value, data))
            }
            _ => None,
        });
        let Some((id, refusal)) = request else { return };
        let session = self.session.as_mut().unwrap();
        let answers = match refusal {
            None => session.accept_request(id),
            Some(why) => session.reject_request(id, "NetStream.Publish.BadName", why),
        };
        self.take(answers.unwrap(), out);
    }
}
