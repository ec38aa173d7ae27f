//! AMF0, the encoding of FLV's script data, by "Action Message Format: AMF 0".
//!
//! **Invariant:** reading is bounded by depth and by a count of values, whatever the counts in the data claim, and
//! allocates nothing from a claimed count. References, XML and class names have no use in a stream: they read as
//! null, text and nothing. AMF3 is not read.

use bytes::{BufMut, BytesMut};
use thiserror::Error;

use crate::{metadata::Value, read::ByteReader};

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const OBJECT: u8 = 3;
const NULL: u8 = 5;
const UNDEFINED: u8 = 6;
const REFERENCE: u8 = 7;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;
const STRICT_ARRAY: u8 = 10;
const DATE: u8 = 11;
const LONG_STRING: u8 = 12;
const UNSUPPORTED: u8 = 13;
const XML_DOCUMENT: u8 = 15;
const TYPED_OBJECT: u8 = 16;

/// Nesting taken; keeps a few hostile bytes from using up the stack.
const MAX_DEPTH: usize = 16;
/// Values taken in one script tag: room for the keyframe index of a long recording. Keeps one-byte values from
/// growing a tag thirtyfold in memory.
const MAX_VALUES: usize = 1 << 16;

/// The data is not AMF0 that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AmfError {
    #[error("script data ends inside a value")]
    Short,
    #[error("AMF0 marker {0} is not supported")]
    Marker(u8),
    #[error("script data does not begin with a name")]
    NoName,
    #[error("script data nests deeper than {MAX_DEPTH}")]
    TooDeep,
    #[error("script data has more than {MAX_VALUES} values")]
    TooMany,
    #[error("text or array too long for AMF0")]
    TooLong,
}

/// Reads a script tag's body: a name and its values. Unreadable bytes behind the first value are let go, as old
/// encoders leave stray end markers there.
pub fn read_script(body: &[u8]) -> Result<(String, Vec<Value>), AmfError> {
    let mut reader = Reader { bytes: ByteReader::new(body), values: 0 };
    let Value::String(name) = reader.value(0)? else { return Err(AmfError::NoName) };
    let mut values = Vec::new();
    while !reader.bytes.is_empty() {
        match reader.value(0) {
            Ok(value) => values.push(value),
            Err(error) if values.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok((name, values))
}

/// Reads a series of names and values, at most `most` of them ("Metadata Frame" of "Enhanced RTMP v2"). What is no pair
/// behind the first is let go.
pub fn read_pairs(body: &[u8], most: usize) -> Result<Vec<(String, Value)>, AmfError> {
    let mut reader = Reader { bytes: ByteReader::new(body), values: 0 };
    let mut pairs = Vec::new();
    while pairs.len() < most && (pairs.is_empty() || !reader.bytes.is_empty()) {
        match reader.pair() {
            Ok(pair) => pairs.push(pair),
            Err(error) if pairs.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(pairs)
}

struct Reader<'a> {
    bytes: ByteReader<'a>,
    values: usize,
}

impl Reader<'_> {
    fn pair(&mut self) -> Result<(String, Value), AmfError> {
        let Value::String(name) = self.value(0)? else { return Err(AmfError::NoName) };
        Ok((name, self.value(0)?))
    }

    fn value(&mut self, depth: usize) -> Result<Value, AmfError> {
        if depth > MAX_DEPTH {
            return Err(AmfError::TooDeep);
        }
        self.values = self.values.saturating_add(1);
        if self.values > MAX_VALUES {
            return Err(AmfError::TooMany);
        }
        match self.u8()? {
            NUMBER => self.number().map(Value::Number),
            BOOLEAN => Ok(Value::Bool(self.u8()? != 0)),
            STRING => self.short_text().map(Value::String),
            LONG_STRING | XML_DOCUMENT => {
                let len = self.bytes.u32().ok_or(AmfError::Short)?;
                self.text(len as usize).map(Value::String)
            }
            OBJECT => self.object(depth),
            ECMA_ARRAY => {
                // The count is a hint, often wrong: the end marker counts.
                self.bytes.u32().ok_or(AmfError::Short)?;
                self.object(depth)
            }
            TYPED_OBJECT => {
                self.short_text()?;
                self.object(depth)
            }
            STRICT_ARRAY => {
                let count = self.bytes.u32().ok_or(AmfError::Short)?;
                let mut items = Vec::new();
                for _ in 0..count {
                    items.push(self.value(depth.saturating_add(1))?);
                }
                Ok(Value::Array(items))
            }
            DATE => {
                let ms = self.number()?;
                // A time zone, reserved and to be ignored.
                self.bytes.i16().ok_or(AmfError::Short)?;
                Ok(Value::Date(ms))
            }
            NULL | UNDEFINED | UNSUPPORTED => Ok(Value::Null),
            REFERENCE => self.bytes.u16().map(|_| Value::Null).ok_or(AmfError::Short),
            marker => Err(AmfError::Marker(marker)),
        }
    }

    /// Keys and values up to the end marker, which some writers leave out at the end of the tag.
    fn object(&mut self, depth: usize) -> Result<Value, AmfError> {
        let mut fields = Vec::new();
        while !self.bytes.is_empty() {
            let key = self.short_text()?;
            if key.is_empty() && self.bytes.rest().first() == Some(&OBJECT_END) {
                self.u8()?;
                break;
            }
            let value = self.value(depth.saturating_add(1))?;
            fields.push((key, value));
        }
        Ok(Value::Object(fields))
    }

    fn u8(&mut self) -> Result<u8, AmfError> {
        self.bytes.u8().ok_or(AmfError::Short)
    }

    fn number(&mut self) -> Result<f64, AmfError> {
        self.bytes.f64().ok_or(AmfError::Short)
    }

    fn short_text(&mut self) -> Result<String, AmfError> {
        let len = self.bytes.u16().ok_or(AmfError::Short)?;
        self.text(usize::from(len))
    }

    /// Text that is not UTF-8, as some encoders write it, is kept as far as it is.
    fn text(&mut self, len: usize) -> Result<String, AmfError> {
        self.bytes.bytes(len).map(|b| String::from_utf8_lossy(b).into_owned()).ok_or(AmfError::Short)
    }
}

/// Writes a script tag's body. An object among `values` becomes an ECMA array, which is what readers expect of
/// `onMetaData`; on an error `out` holds part of it.
pub fn write_script(out: &mut BytesMut, name: &str, values: &[Value]) -> Result<(), AmfError> {
    write_text(out, name)?;
    for value in values {
        match value {
            Value::Object(fields) => {
                out.put_u8(ECMA_ARRAY);
                out.put_u32(u32::try_from(fields.len()).map_err(|_| AmfError::TooLong)?);
                write_fields(out, fields, 0)?;
            }
            other => write_value(out, other, 0)?,
        }
    }
    Ok(())
}

/// Writes a name and its value, an object as an object; on an error `out` holds part of it.
pub fn write_pair(out: &mut BytesMut, name: &str, value: &Value) -> Result<(), AmfError> {
    write_text(out, name)?;
    write_value(out, value, 0)
}

/// Writes values one behind the other, an object as an object, as RTMP's commands have them; on an error `out` holds
/// part of them.
pub fn write_values(out: &mut BytesMut, values: &[Value]) -> Result<(), AmfError> {
    values.iter().try_for_each(|value| write_value(out, value, 0))
}

fn write_value(out: &mut BytesMut, value: &Value, depth: usize) -> Result<(), AmfError> {
    if depth > MAX_DEPTH {
        return Err(AmfError::TooDeep);
    }
    match value {
        Value::Null => out.put_u8(NULL),
        Value::Bool(b) => out.put_slice(&[BOOLEAN, u8::from(*b)]),
        Value::Number(n) => {
            out.put_u8(NUMBER);
            out.put_f64(*n);
        }
        Value::String(text) => write_text(out, text)?,
        Value::Date(ms) => {
            out.put_u8(DATE);
            out.put_f64(*ms);
            out.put_u16(0);
        }
        Value::Object(fields) => {
            out.put_u8(OBJECT);
            write_fields(out, fields, depth)?;
        }
        Value::Array(items) => {
            out.put_u8(STRICT_ARRAY);
            out.put_u32(u32::try_from(items.len()).map_err(|_| AmfError::TooLong)?);
            for item in items {
                write_value(out, item, depth.saturating_add(1))?;
            }
        }
    }
    Ok(())
}

fn write_fields(out: &mut BytesMut, fields: &[(String, Value)], depth: usize) -> Result<(), AmfError> {
    for (key, value) in fields {
        out.put_u16(u16::try_from(key.len()).map_err(|_| AmfError::TooLong)?);
        out.put_slice(key.as_bytes());
        write_value(out, value, depth.saturating_add(1))?;
    }
    out.put_slice(&[0, 0, OBJECT_END]);
    Ok(())
}

fn write_text(out: &mut BytesMut, text: &str) -> Result<(), AmfError> {
    match u16::try_from(text.len()) {
        Ok(len) => {
            out.put_u8(STRING);
            out.put_u16(len);
        }
        Err(_) => {
            out.put_u8(LONG_STRING);
            out.put_u32(u32::try_from(text.len()).map_err(|_| AmfError::TooLong)?);
        }
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(values: &[u8]) -> Vec<u8> {
        [b"\x02\x00\x01n".as_slice(), values].concat()
    }

    fn read(values: &[u8]) -> Result<Vec<Value>, AmfError> {
        read_script(&script(values)).map(|(_, values)| values)
    }

    #[test]
    fn values_of_a_command_are_written_as_they_are() {
        let values = [Value::Number(1.0), Value::Object(vec![("app".into(), Value::Null)])];
        let mut out = BytesMut::new();
        write_values(&mut out, &values).unwrap();
        assert!(out.ends_with(b"\x03\x00\x03app\x05\x00\x00\x09"), "{out:?}");
        assert_eq!(read_script(&script(&out)).unwrap().1, values);
    }

    #[test]
    fn every_marker_of_script_data_is_read() {
        let text = |s: &str| Value::String(s.into());
        assert_eq!(
            read(b"\x00\x40\x09\x21\xfb\x54\x44\x2d\x18"),
            Ok(vec![Value::Number(std::f64::consts::PI)])
        );
        assert_eq!(
            read(b"\x01\x01\x05\x06\x0d"),
            Ok(vec![Value::Bool(true), Value::Null, Value::Null, Value::Null])
        );
        assert_eq!(read(b"\x02\x00\x02hi\x0c\x00\x00\x00\x01x"), Ok(vec![text("hi"), text("x")]));
        assert_eq!(read(b"\x0f\x00\x00\x00\x04<a/>\x07\x00\x01"), Ok(vec![text("<a/>"), Value::Null]));
        assert_eq!(read(b"\x0b\x3f\xf0\0\0\0\0\0\0\0\0"), Ok(vec![Value::Date(1.0)]));
        let object = Value::Object(vec![("a".into(), Value::Null)]);
        assert_eq!(read(b"\x03\x00\x01a\x05\x00\x00\x09"), Ok(vec![object.clone()]));
        assert_eq!(read(b"\x08\x00\x00\x00\x63\x00\x01a\x05\x00\x00\x09"), Ok(vec![object.clone()]));
        assert_eq!(read(b"\x10\x00\x01T\x00\x01a\x05\x00\x00\x09"), Ok(vec![object]));
        assert_eq!(read(b"\x0a\x00\x00\x00\x02\x05\x05"), Ok(vec![Value::Array(vec![Value::Null; 2])]));
        assert_eq!(read(b"\x11\x01"), Err(AmfError::Marker(0x11)));
    }

    #[test]
    fn an_array_may_lack_its_end_marker_at_the_end() {
        let object = Value::Object(vec![("a".into(), Value::Bool(false))]);
        assert_eq!(read(b"\x08\x00\x00\x00\x01\x00\x01a\x01\x00"), Ok(vec![object]));
    }

    #[test]
    fn stray_bytes_behind_the_first_value_are_let_go() {
        assert_eq!(read(b"\x05\x00\x00\x09"), Ok(vec![Value::Null]));
    }

    #[test]
    fn a_claimed_count_allocates_nothing() {
        assert_eq!(read(b"\x0a\xff\xff\xff\xff\x05"), Err(AmfError::Short));
        assert_eq!(read(b"\x0c\xff\xff\xff\xffx"), Err(AmfError::Short));
    }

    #[test]
    fn nesting_and_number_of_values_are_capped() {
        let nested = b"\x0a\x00\x00\x00\x01".repeat(1000);
        assert_eq!(read(&nested), Err(AmfError::TooDeep));
        let mut many = b"\x0a\x00\xff\xff\xff".to_vec();
        many.resize(200_000, 5);
        assert_eq!(read(&many), Err(AmfError::TooMany));
    }

    #[test]
    fn what_is_written_reads_back() {
        let values = vec![
            Value::Object(vec![
                ("width".into(), Value::Number(1280.0)),
                ("list".into(), Value::Array(vec![Value::Bool(true), Value::Null])),
                ("inner".into(), Value::Object(vec![("date".into(), Value::Date(1.5e12))])),
                ("long".into(), Value::String("字".repeat(30_000))),
            ]),
            Value::Null,
        ];
        let mut out = BytesMut::new();
        write_script(&mut out, "onMetaData", &values).unwrap();
        assert_eq!(read_script(&out), Ok(("onMetaData".into(), values)));
    }

    #[test]
    fn pairs_are_read_up_to_what_is_none() {
        let pair = |name: &str, value| (name.to_owned(), value);
        let body = b"\x02\0\x01a\x05\x02\0\x01b\x01\x01\x01\x00";
        assert_eq!(read_pairs(body, 9), Ok(vec![pair("a", Value::Null), pair("b", Value::Bool(true))]));
        assert_eq!(read_pairs(body, 1), Ok(vec![pair("a", Value::Null)]));
        assert_eq!(read_pairs(b"\x05\x05", 9), Err(AmfError::NoName));
        assert_eq!(read_pairs(b"\x02\0\x01a", 9), Err(AmfError::Short));
        assert_eq!(read_pairs(b"", 9), Err(AmfError::Short));
    }

    #[test]
    fn data_without_a_name_is_an_error() {
        assert_eq!(read_script(&[]), Err(AmfError::Short));
        assert_eq!(read_script(&[5]), Err(AmfError::NoName));
    }
}
