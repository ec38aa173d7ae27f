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
        if let Some(description) = encoded.description {
            let config = self.state.configure(description).map_err(|error| error.to_string())?;
            self.take(config);
        }
        let facts = self.state.packet(encoded.data).map_err(|error| error.to_string())?;
        self.take(facts.config);
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
