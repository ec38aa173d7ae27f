//! openh264's core, as cpp/driver.h has it, made safe.
#![allow(unsafe_code, reason = "the core is C++")]

use crate::reorder::Order;
use sailcast_codec_face::{Error, Picture, Plane};
use std::ptr::NonNull;

#[repr(C)]
struct RawDecoder {
    _private: [u8; 0],
}

/// `H264Picture`.
#[derive(Clone, Copy)]
#[repr(C)]
struct RawFrame {
    planes: [*const u8; 3],
    strides: [i32; 3],
    width: i32,
    height: i32,
    grey: i32,
    reorder_depth: i32,
    references: i32,
    frame_num: i32,
    log2_max_frame_num: i32,
    is_reference: i32,
    resets_frame_num: i32,
}

unsafe extern "C" {
    fn h264_create() -> *mut RawDecoder;
    fn h264_destroy(decoder: *mut RawDecoder);
    fn h264_decode(
        decoder: *mut RawDecoder,
        units: *const u8,
        len: i32,
        as_idr: i32,
        picture: *mut RawFrame,
    ) -> i32;
}

/// One decoder with its pictures, from an IDR picture on.
pub struct Driver {
    raw: NonNull<RawDecoder>,
}

/// What became of an access unit.
pub enum Decoded {
    Nothing,
    /// Slices are missing: in another packet, or lost.
    Unfinished,
    Frame(Frame),
}

/// A decoded picture and what its stream says of it.
pub struct Frame {
    pub picture: Picture,
    reorder_depth: Option<usize>,
    references: usize,
    pub frame_num: u32,
    pub max_frame_num: u32,
    /// Others may refer to it.
    pub is_reference: bool,
    /// Its frame_num counts as 0 for those that follow.
    pub resets_frame_num: bool,
}

impl Frame {
    pub fn order(&self, bidirectional: bool) -> Order {
        Order { depth: self.reorder_depth, references: self.references, bidirectional }
    }
}

impl Driver {
    pub fn new() -> Result<Self, Error> {
        // SAFETY: takes nothing.
        let raw = NonNull::new(unsafe { h264_create() });
        raw.map(|raw| Self { raw }).ok_or_else(|| "there is no memory for a decoder".to_owned())
    }

    /// `units` are behind start codes; with `as_idr` nothing before them counts.
    pub fn decode(&mut self, units: &[u8], pts: f64, as_idr: bool) -> Result<Decoded, Error> {
        let len = i32::try_from(units.len()).map_err(|_| "the packet is too long".to_owned())?;
        let mut raw = RawFrame {
            planes: [std::ptr::null(); 3],
            strides: [0; 3],
            width: 0,
            height: 0,
            grey: 0,
            reorder_depth: 0,
            references: 0,
            frame_num: 0,
            log2_max_frame_num: 0,
            is_reference: 0,
            resets_frame_num: 0,
        };
        // SAFETY: the decoder lives, and the bytes and the picture outlive the call.
        let result =
            unsafe { h264_decode(self.raw.as_ptr(), units.as_ptr(), len, as_idr.into(), &raw mut raw) };
        match result {
            0 => Ok(Decoded::Nothing),
            // SAFETY: the core has described a picture, which is there until its next call.
            1 => Ok(Decoded::Frame(unsafe { raw.copied(pts) })),
            2 => Ok(Decoded::Unfinished),
            error => Err(describe(-1 - error)),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SAFETY: made by `h264_create`, destroyed once.
        unsafe { h264_destroy(self.raw.as_ptr()) }
    }
}

impl RawFrame {
    /// # Safety
    /// The planes are those of a picture of the core, which has not been called since.
    unsafe fn copied(&self, pts: f64) -> Frame {
        let (width, height) = (self.width.max(0) as usize, self.height.max(0) as usize);
        let plane = |at: usize| {
            let (width, height) =
                if at == 0 { (width, height) } else { (width.div_ceil(2), height.div_ceil(2)) };
            let mut data = Vec::with_capacity(width * height);
            if at > 0 && self.grey != 0 {
                data.resize(width * height, 128);
            } else {
                for row in 0..height {
                    // SAFETY: rows lie `stride` bytes behind each other, inside of the core's own plane.
                    data.extend_from_slice(unsafe {
                        let start = self.planes[at].offset(row as isize * self.strides[at] as isize);
                        std::slice::from_raw_parts(start, width)
                    });
                }
            }
            Plane { data, stride: width }
        };
        Frame {
            picture: Picture {
                pts,
                width: width as u32,
                height: height as u32,
                bit_depth: 8,
                chroma_shift: (1, 1),
                planes: [plane(0), plane(1), plane(2)],
            },
            reorder_depth: usize::try_from(self.reorder_depth).ok(),
            references: usize::try_from(self.references).unwrap_or_default(),
            frame_num: self.frame_num as u32,
            max_frame_num: 1 << (self.log2_max_frame_num as u32 & 31),
            is_reference: self.is_reference != 0,
            resets_frame_num: self.resets_frame_num != 0,
        }
    }
}

/// The bits of openh264's DECODING_STATE.
fn describe(state: i32) -> Error {
    let names = [
        (0x02, "a reference is lost"),
        (0x04, "the bitstream is damaged"),
        (0x10, "a parameter set is missing"),
        (0x20, "a reference is not whole"),
        (0x40, "a list of references has gaps"),
        (0x4000, "there is no memory for the picture"),
    ];
    let known: Vec<&str> = names.iter().filter(|(bit, _)| state & bit != 0).map(|(_, name)| *name).collect();
    match known.is_empty() {
        true => format!("openh264 gives up: {state:#x}"),
        false => known.join(", "),
    }
}
