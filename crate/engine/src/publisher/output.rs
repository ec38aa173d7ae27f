//! What an encoder gives, as packets: the configuration, keyframes and what is disposable are read from the bitstream, whatever the
//! encoder was asked for and says.

use sailcast_media::{
    Codec, MediaTime, Packet, TrackId, TrackInfo,
    codec::{AccessUnit, TrackState},
};

use crate::publisher::io::Encoded;

/// One encoder's output.
#[derive(Debug)]
pub struct TrackOutput {
    id: TrackId,
    state: TrackState,
    config: Option<TrackInfo>,
}

impl TrackOutput {
    pub fn new(id: TrackId, codec: Codec) -> Self {
        Self { id, state: TrackState::new(codec), config: None }
    }

    /// The configuration in force.
    pub fn config(&self) -> Option<&TrackInfo> {
        self.config.as_ref()
    }

    /// `pts`: of the packet, on the publisher's timeline. `None` for what holds nothing to decode; an error is data that is none of
    /// its codec.
    pub fn read(&mut self, encoded: Encoded, pts: MediaTime) -> Result<Option<Packet>, String> {
        let mut wrong = None;
        match encoded.description.map(|description| self.state.configure(description)) {
            Some(Ok(config)) => self.take(config),
            Some(Err(error)) => wrong = Some(error.to_string()),
            None => {}
        }
        let facts = self.state.packet(encoded.data).map_err(|error| error.to_string())?;
        self.take(facts.config);
        // Firefox writes the first byte of each parameter set twice, and has the right ones in its keyframes.
        if let Some(wrong) = wrong.filter(|_| self.config.is_none()) {
            return Err(wrong);
        }
        let unit = facts.units.into_iter().next();
        Ok(unit.filter(|_| self.config.is_some()).map(|unit| self.packet(unit, pts)))
    }

    fn take(&mut self, config: Option<sailcast_media::DecoderConfig>) {
        if let Some(config) = config {
            self.config = Some(TrackInfo { id: self.id, config });
        }
    }

    fn packet(&self, unit: AccessUnit, pts: MediaTime) -> Packet {
        let AccessUnit { data, duration, keyframe, disposable, .. } = unit;
        Packet { track: self.id, dts: pts, pts, duration, keyframe, disposable, data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Of Firefox 153 with libx264: avcC, and how a keyframe begins.
    const DESCRIPTION: &[u8] =
        b"\x01\x42\xc0\x1f\x03\x01\x00\x18\x67\x67\x42\xc0\x1f\xd9\x00\xe0\x10\x7e\x58\x40\x00\
        \x00\x03\x00\x40\x07\xa1\x20\x03\xc6\x0c\x92\x01\x00\x05\x68\x68\xcb\x8c\xb2";
    const SETS: &[u8] =
        b"\x00\x00\x00\x17\x67\x42\xc0\x1f\xd9\x00\xe0\x10\x7e\x58\x40\x00\x00\x03\x00\x40\x07\xa1\x20\
        \x03\xc6\x0c\x92\x00\x00\x00\x04\x68\xcb\x8c\xb2";
    const IDR: &[u8] = b"\x00\x00\x00\x06\x65\x88\x84\x0a\x11\x22";

    fn read(data: &[&[u8]]) -> (TrackOutput, Result<Option<Packet>, String>) {
        let mut output = TrackOutput::new(TrackId::video(0), Codec::Avc);
        let encoded = Encoded {
            pts: MediaTime(0),
            keyframe: true,
            data: Bytes::from(data.concat()),
            description: Some(Bytes::from_static(DESCRIPTION)),
        };
        let packet = output.read(encoded, MediaTime(0));
        (output, packet)
    }

    #[test]
    fn a_broken_description_is_replaced_by_what_the_keyframe_holds() {
        let (output, packet) = read(&[SETS, IDR]);
        assert!(packet.unwrap().is_some_and(|packet| packet.keyframe));
        let config = &output.config().unwrap().config;
        assert_eq!(config.codec_string, "avc1.42c01f");
        assert!(!config.description.windows(2).any(|pair| pair == [0x67, 0x67]), "{:?}", config.description);
        assert!(read(&[IDR]).1.is_err());
    }
}
