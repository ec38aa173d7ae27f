//! What stands behind the exports: one decoder with its input and its outputs.

use std::collections::VecDeque;

use crate::{Config, Decode, Error, Picture, RawPicture, RawSound, Sound};

/// The largest input taken: as the largest tag of the demuxer. Keeps a damaged length from taking the memory.
pub(crate) const MAX_INPUT: usize = 4 << 20;

/// Outputs of one kind, and how they look in memory.
pub trait Output {
    type Raw;
    const IS_VIDEO: bool;
    fn raw(&self) -> Self::Raw;
}

impl Output for Picture {
    type Raw = RawPicture;
    const IS_VIDEO: bool = true;

    fn raw(&self) -> RawPicture {
        let plane = |at: usize| {
            let plane = &self.planes[at];
            [plane.data.as_ptr() as usize as u32, plane.stride as u32, plane.data.len() as u32]
        };
        RawPicture {
            pts: self.pts,
            width: self.width,
            height: self.height,
            bit_depth: self.bit_depth.into(),
            chroma_shift_x: self.chroma_shift.0.into(),
            chroma_shift_y: self.chroma_shift.1.into(),
            planes: [plane(0), plane(1), plane(2)],
        }
    }
}

impl Output for Sound {
    type Raw = RawSound;
    const IS_VIDEO: bool = false;

    fn raw(&self) -> RawSound {
        RawSound {
            pts: self.pts,
            sample_rate: self.sample_rate,
            channels: self.channels,
            data: self.data.as_ptr() as usize as u32,
            len: self.data.len() as u32,
        }
    }
}

/// The state of a module. Natively it is the same, for tests.
pub struct Module<D: Decode> {
    decoder: Option<D>,
    input: Vec<u8>,
    waiting: VecDeque<D::Output>,
    /// What `take` gave last.
    given: Option<(D::Output, <D::Output as Output>::Raw)>,
    message: Error,
}

impl<D: Decode> Default for Module<D> {
    fn default() -> Self {
        Self {
            decoder: None,
            input: Vec::new(),
            waiting: VecDeque::new(),
            given: None,
            message: String::new(),
        }
    }
}

impl<D: Decode> Module<D> {
    /// Null for more than a module takes.
    pub fn input(&mut self, len: usize) -> *mut u8 {
        if len > MAX_INPUT {
            return std::ptr::null_mut();
        }
        self.input.clear();
        self.input.resize(len, 0);
        self.input.as_mut_ptr()
    }

    pub fn open(&mut self, len: usize) -> i32 {
        let bytes = self.input.get(..len).unwrap_or_default();
        let opened = Config::read(bytes, D::Output::IS_VIDEO).and_then(|config| D::open(&config));
        let done = opened.map(|decoder| self.decoder = Some(decoder));
        self.answer(done)
    }

    pub fn decode(&mut self, len: usize, pts: f64, keyframe: bool) -> i32 {
        let data = self.input.get(..len).unwrap_or_default();
        let mut out = Vec::new();
        let done = match &mut self.decoder {
            Some(decoder) => decoder.decode(data, pts, keyframe, &mut out),
            None => Err(not_open()),
        };
        self.waiting.extend(out);
        self.answer(done)
    }

    pub fn flush(&mut self) -> i32 {
        let mut out = Vec::new();
        let done = match &mut self.decoder {
            Some(decoder) => decoder.flush(&mut out),
            None => Err(not_open()),
        };
        self.waiting.extend(out);
        self.answer(done)
    }

    /// Null when there is none.
    pub fn take(&mut self) -> *const <D::Output as Output>::Raw {
        // The one before is given back first: no more than one is held that is not asked for.
        self.given = None;
        let Some(output) = self.waiting.pop_front() else { return std::ptr::null() };
        let raw = output.raw();
        &self.given.insert((output, raw)).1
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    fn answer(&mut self, done: Result<(), Error>) -> i32 {
        match done {
            Ok(()) => i32::try_from(self.waiting.len()).unwrap_or(i32::MAX),
            Err(why) => {
                self.message = why;
                -1
            }
        }
    }
}

fn not_open() -> Error {
    "the decoder is not open".to_owned()
}
