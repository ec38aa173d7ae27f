//! `colorInfo` of a video track's metadata ("Metadata Frame" of "Enhanced RTMP v2").
//!
//! **Invariant:** what it leaves out, or says in numbers that H.273 does not have, stays as the bitstream has it. HDR light
//! levels are not read here: they go to the page as they came.

use crate::{metadata::Value, packet::Colour};

/// The name of the pair that carries it.
pub(super) const COLOR_INFO: &str = "colorInfo";

/// A colour description in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ColourInfo {
    primaries: Option<u8>,
    transfer: Option<u8>,
    matrix: Option<u8>,
}

impl ColourInfo {
    /// Reads the object. Anything else, such as undefined, resets to the bitstream's colours, as an empty object does.
    pub fn read(info: &Value) -> Self {
        let Some(config) = field(info, "colorConfig") else { return Self::default() };
        let code = |name| match field(config, name) {
            Some(Value::Number(n)) if (0.0..=255.0).contains(n) && n.fract() == 0.0 => Some(*n as u8),
            _ => None,
        };
        Self {
            primaries: code("colorPrimaries"),
            transfer: code("transferCharacteristics"),
            matrix: code("matrixCoefficients"),
        }
    }

    pub fn over(self, bitstream: Colour) -> Colour {
        Colour {
            primaries: self.primaries.unwrap_or(bitstream.primaries),
            transfer: self.transfer.unwrap_or(bitstream.transfer),
            matrix: self.matrix.unwrap_or(bitstream.matrix),
            full_range: bitstream.full_range,
        }
    }
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.iter().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(config: &[(&str, f64)]) -> Value {
        let config = config.iter().map(|(k, n)| ((*k).to_owned(), Value::Number(*n))).collect();
        Value::Object(vec![("colorConfig".into(), Value::Object(config))])
    }

    #[test]
    fn what_is_said_replaces_the_bitstreams_and_the_rest_stays() {
        let bt709 = Colour { primaries: 1, transfer: 1, matrix: 1, full_range: true };
        let pq = info(&[("colorPrimaries", 9.0), ("transferCharacteristics", 16.0), ("bitDepth", 10.0)]);
        let mixed = Colour { primaries: 9, transfer: 16, matrix: 1, full_range: true };
        assert_eq!(ColourInfo::read(&pq).over(bt709), mixed);
        let nonsense = info(&[("colorPrimaries", 256.0), ("matrixCoefficients", f64::NAN)]);
        assert_eq!(ColourInfo::read(&nonsense).over(bt709), bt709);
    }

    #[test]
    fn undefined_and_the_empty_object_reset() {
        assert_eq!(ColourInfo::read(&Value::Null), ColourInfo::default());
        assert_eq!(ColourInfo::read(&Value::Object(vec![])), ColourInfo::default());
    }
}
