//! Whether a picture of several slices has all of them.
//!
//! The decoder paints mid-grey where it had no slice, and does not say so. A picture may be grey by itself: so only one whose slices
//! begin elsewhere than those of the picture before is looked at, and only where a slice must have ended.
//! **Invariant:** pictures of one slice are never doubted.

use rust_h265::{Frame, PixelData};

/// The coded picture and its coding tree blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    pub width: u32,
    pub height: u32,
    /// Where in it the picture begins that is shown.
    pub left: u32,
    pub top: u32,
    pub log2_ctb: u32,
}

/// How far from its edges a block's grey may have been filtered, 8.7.2.5: three samples of luma, one of chroma.
const FILTERED_LUMA: usize = 4;
const FILTERED_CHROMA: usize = 2;

impl Grid {
    fn columns(&self) -> u32 {
        self.width.div_ceil(1 << self.log2_ctb)
    }

    pub fn blocks(&self) -> u32 {
        self.columns() * self.height.div_ceil(1 << self.log2_ctb)
    }

    /// `[left, top, right, bottom]` of a block in the picture that is shown.
    fn block(&self, address: u32, frame: &Frame) -> [usize; 4] {
        let size = 1 << self.log2_ctb;
        let columns = self.columns().max(1);
        let x = address % columns * size;
        let y = address / columns * size;
        let shown = |at: u32, from: u32, most: u32| at.saturating_sub(from).min(most) as usize;
        [
            shown(x, self.left, frame.width),
            shown(y, self.top, frame.height),
            shown(x + size, self.left, frame.width),
            shown(y + size, self.top, frame.height),
        ]
    }
}

/// `begins` are the addresses at which slices after the first begin. `bit_depth` is that of luma and of chroma.
pub fn has_hole(frame: &Frame, grid: Grid, begins: &[u32], bit_depth: (u8, u8)) -> bool {
    let ends = begins.iter().copied().chain([grid.blocks()]);
    ends.filter_map(|end| end.checked_sub(1)).any(|last| {
        let block = grid.block(last, frame);
        let shift = u32::from(frame.chroma_format_idc == 1);
        let chroma = block.map(|at| at >> shift);
        let chroma_width = (frame.width as usize).div_ceil(1 << shift);
        is_grey(&frame.y, frame.width as usize, block, FILTERED_LUMA, bit_depth.0)
            && is_grey(&frame.u, chroma_width, chroma, FILTERED_CHROMA, bit_depth.1)
            && is_grey(&frame.v, chroma_width, chroma, FILTERED_CHROMA, bit_depth.1)
    })
}

/// A block of which nothing is left within its edges tells nothing: it is not.
fn is_grey(plane: &PixelData, width: usize, block: [usize; 4], edge: usize, bit_depth: u8) -> bool {
    let [left, top, right, bottom] = block;
    let (left, top) = (left + edge, top + edge);
    let (right, bottom) = (right.saturating_sub(edge), bottom.saturating_sub(edge));
    let mut rows = (top..bottom).map(|y| y * width + left..y * width + right);
    left < right
        && top < bottom
        && rows.all(|row| match plane {
            PixelData::U8(samples) => all_are(samples.get(row), 128),
            PixelData::U16(samples) => all_are(samples.get(row), 1 << (bit_depth - 1)),
        })
}

fn all_are<T: PartialEq>(samples: Option<&[T]>, grey: T) -> bool {
    samples.is_some_and(|samples| samples.iter().all(|sample| *sample == grey))
}
