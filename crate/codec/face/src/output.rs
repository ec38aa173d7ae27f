//! Decoded pictures and sound, and their layout for whoever reads the module's memory.

/// One plane of samples: 8 bits each, or 16 (little-endian, the low `bit_depth` bits) where `bit_depth` is above 8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    pub data: Vec<u8>,
    /// Bytes from a row to the next.
    pub stride: usize,
}

/// A picture, cropped: planes hold what is to be seen, in I420 order (Y, U, V).
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// That of its packet, µs.
    pub pts: f64,
    /// Of luma, in pixels.
    pub width: u32,
    pub height: u32,
    /// 8, 10 or 12.
    pub bit_depth: u8,
    /// How much smaller chroma is, as shifts; 4:2:0 is (1, 1). Sizes round up.
    pub chroma_shift: (u8, u8),
    /// Y, U, V. Grey pictures have all three.
    pub planes: [Plane; 3],
}

/// Interleaved f32.
#[derive(Clone, Debug, PartialEq)]
pub struct Sound {
    /// Of the first sample, µs.
    pub pts: f64,
    pub sample_rate: u32,
    pub channels: u32,
    pub data: Vec<f32>,
}

/// [`Picture`] in memory, little-endian, 64 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawPicture {
    /// At 0.
    pub pts: f64,
    /// At 8.
    pub width: u32,
    pub height: u32,
    /// At 16.
    pub bit_depth: u32,
    pub chroma_shift_x: u32,
    pub chroma_shift_y: u32,
    /// At 28: address, stride and length in bytes of each plane.
    pub planes: [[u32; 3]; 3],
}

/// [`Sound`] in memory, little-endian, 24 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct RawSound {
    /// At 0.
    pub pts: f64,
    /// At 8.
    pub sample_rate: u32,
    pub channels: u32,
    /// At 16: address of the samples.
    pub data: u32,
    /// f32s in all channels together.
    pub len: u32,
}
