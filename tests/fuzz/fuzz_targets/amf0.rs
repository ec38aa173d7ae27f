//! AMF0 on any bytes: it comes to an end, and what it read can be written and read again.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sailcast_media::flv::amf0::{read_script, write_script};

fuzz_target!(|body: &[u8]| {
    let Ok((name, values)) = read_script(body) else { return };
    let mut written = BytesMut::new();
    write_script(&mut written, &name, &values).expect("what was read can be written");
    let again = read_script(&written).expect("what was written can be read");
    // By their text, as a number may be NaN.
    assert_eq!(format!("{again:?}"), format!("{:?}", (name, values)));
});
