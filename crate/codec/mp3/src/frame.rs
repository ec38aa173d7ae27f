//! A packet of MP3, cut into its frames (ISO/IEC 11172-3 2.4.1.3, ISO/IEC 13818-3 2.4.2.3 and the 2.5 extension to lower rates).

use sailcast_codec_face::Error;

/// In kbit/s, by `bitrate_index` of layer III. 0, free format, is refused, for its length stands nowhere.
const BITRATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Of MPEG-1, by `sampling_frequency`; half of it is MPEG-2, a quarter 2.5.
const SAMPLE_RATES: [u32; 3] = [44100, 48000, 32000];

const HEADER_SIZE: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub data: &'a [u8],
    pub sample_rate: u32,
    pub channels: u32,
    /// Of each channel.
    pub samples: u32,
}

/// What a header says.
struct Header {
    len: usize,
    sample_rate: u32,
    channels: u32,
    samples: u32,
}

impl Header {
    fn read(data: &[u8]) -> Option<Self> {
        let &[sync, version, rates, mode] = data.first_chunk()?;
        let is_layer_3 = version >> 1 & 3 == 1;
        if sync != 0xff || version & 0xe0 != 0xe0 || !is_layer_3 {
            return None;
        }
        // How often the rate of MPEG-1 is halved.
        let halved = match version >> 3 & 3 {
            3 => 0,
            2 => 1,
            0 => 2,
            _ => return None,
        };
        let low = usize::from(halved > 0);
        let bitrate = *BITRATES.get(low)?.get(usize::from(rates >> 4)).filter(|rate| **rate > 0)?;
        let sample_rate = SAMPLE_RATES.get(usize::from(rates >> 2 & 3))? >> halved;
        let samples: u32 = if low == 0 { 1152 } else { 576 };
        let padding = u32::from(rates >> 1 & 1);
        let len = samples / 8 * bitrate * 1000 / sample_rate + padding;
        let channels = if mode >> 6 == 3 { 1 } else { 2 };
        Some(Self { len: len as usize, sample_rate, channels, samples })
    }
}

/// The frames of a packet; an error where there is something that is none.
pub struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    pub fn new(packet: &'a [u8]) -> Self {
        Self { rest: packet }
    }

    /// The frame with which the rest begins.
    fn first(&mut self) -> Option<Frame<'a>> {
        let header = Header::read(self.rest)?;
        let (data, rest) = self.rest.split_at_checked(header.len)?;
        self.rest = rest;
        let Header { sample_rate, channels, samples, .. } = header;
        Some(Frame { data, sample_rate, channels, samples })
    }

    /// Skips up to the next frame that is followed by another one or by the end: a header alone is found in any noise.
    fn resync(&mut self) {
        let next = (1..self.rest.len().saturating_sub(HEADER_SIZE)).find(|&at| {
            let rest = self.rest.get(at..).unwrap_or_default();
            let after = Header::read(rest).and_then(|header| rest.get(header.len..));
            after.is_some_and(|after| after.is_empty() || Header::read(after).is_some())
        });
        self.rest = next.and_then(|at| self.rest.get(at..)).unwrap_or_default();
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Result<Frame<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = without_tag(self.rest);
        if self.rest.is_empty() {
            return None;
        }
        if let Some(frame) = self.first() {
            return Some(Ok(frame));
        }
        self.resync();
        Some(Err("there is something in the packet that is no MP3".to_owned()))
    }
}

/// Leaves out what taggers of files put before and after the sound, and padding.
fn without_tag(mut data: &[u8]) -> &[u8] {
    while let Some(&[b'I', b'D', b'3', _, _, flags, a, b, c, d]) = data.first_chunk() {
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        let len = [a, b, c, d].iter().fold(0, |len, &byte| len << 7 | usize::from(byte & 0x7f));
        data = data.get(10 + len + footer..).unwrap_or_default();
    }
    let is_end =
        data.starts_with(b"TAG") || data.starts_with(b"APETAGEX") || data.iter().all(|&byte| byte == 0);
    if is_end { &[] } else { data }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// MPEG-1 layer III, 44.1 kHz, stereo, 128 kbit/s: 417 bytes.
    fn frame() -> Vec<u8> {
        let mut data = vec![7; 417];
        data[..4].copy_from_slice(&[0xff, 0xfb, 0x90, 0x00]);
        data
    }

    fn cut(packet: &[u8]) -> Vec<Option<usize>> {
        Frames::new(packet).map(|frame| frame.ok().map(|frame| frame.data.len())).collect()
    }

    #[test]
    fn the_header_says_rate_channels_and_length() {
        let of = |bytes: [u8; 4]| {
            let header = Header::read(&bytes)?;
            Some((header.sample_rate, header.channels, header.samples, header.len))
        };
        assert_eq!(of([0xff, 0xfb, 0x90, 0x00]), Some((44100, 2, 1152, 417)));
        assert_eq!(of([0xff, 0xfb, 0x92, 0xc0]), Some((44100, 1, 1152, 418)));
        assert_eq!(of([0xff, 0xf3, 0x84, 0x00]), Some((24000, 2, 576, 192)));
        assert_eq!(of([0xff, 0xe3, 0x18, 0xc0]), Some((8000, 1, 576, 72)));
        // Reserved version, layer II, free format, bad bitrate, bad rate.
        for bytes in [[0xff, 0xeb, 0x90, 0], [0xff, 0xfd, 0x90, 0], [0xff, 0xfb, 0, 0], [0xff, 0xfb, 0xf0, 0]]
        {
            assert_eq!(of(bytes), None, "{bytes:x?}");
        }
        assert_eq!(of([0xff, 0xfb, 0x9c, 0]), None);
    }

    #[test]
    fn several_frames_in_a_packet_are_cut() {
        assert_eq!(cut(&frame().repeat(3)), [Some(417), Some(417), Some(417)]);
        assert_eq!(cut(&[]), []);
    }

    #[test]
    fn tags_are_no_damage() {
        let id3 = [b"ID3\x04\0\0\0\0\x01\x02".to_vec(), vec![1; 130]].concat();
        assert_eq!(cut(&[id3.clone(), frame()].concat()), [Some(417)]);
        assert_eq!(cut(&id3), []);
        assert_eq!(cut(&[frame(), b"TAGsomething".to_vec()].concat()), [Some(417)]);
        assert_eq!(cut(&[frame(), vec![0; 9]].concat()), [Some(417)]);
    }

    #[test]
    fn junk_is_told_and_what_follows_is_found() {
        assert_eq!(
            cut(&[b"junk\xff\xfb\x90\x00junk".to_vec(), frame(), frame()].concat()),
            [None, Some(417), Some(417)]
        );
        assert_eq!(cut(&frame()[..300]), [None]);
        assert_eq!(cut(b"no sound"), [None]);
    }
}
