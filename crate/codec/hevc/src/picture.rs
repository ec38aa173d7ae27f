//! From the decoder's frames to the face's pictures.

use rust_h265::{Frame, PixelData};
use sailcast_codec_face::{Picture, Plane};

/// `bit_depth` is that of luma and of chroma: where they differ, both get the larger one.
pub fn picture(frame: Frame, pts: f64, bit_depth: (u8, u8)) -> Picture {
    let (luma, chroma) = bit_depth;
    let depth = luma.max(chroma);
    let shift = if frame.chroma_format_idc == 1 { 1 } else { 0 };
    let luma_width = frame.width as usize;
    let chroma_width = luma_width.div_ceil(1 << shift);
    Picture {
        pts,
        width: frame.width,
        height: frame.height,
        bit_depth: depth,
        chroma_shift: (shift, shift),
        planes: [
            plane(frame.y, luma_width, depth - luma),
            plane(frame.u, chroma_width, depth - chroma),
            plane(frame.v, chroma_width, depth - chroma),
        ],
    }
}

fn plane(samples: PixelData, width: usize, up: u8) -> Plane {
    match samples {
        PixelData::U8(data) => Plane { data, stride: width },
        PixelData::U16(samples) => {
            let mut data = vec![0; samples.len() * 2];
            for (bytes, sample) in data.chunks_exact_mut(2).zip(&samples) {
                bytes.copy_from_slice(&(sample << up).to_le_bytes());
            }
            Plane { data, stride: width * 2 }
        }
    }
}
