//! Decoded sound on its way to the ring: interleaved stereo at the output's rate, with the media time of its first frame.
//!
//! It is one piece without a hole: what the stream leaves out is silence of that length, and every seam is faded. A little
//! of what was taken stays in reach, for the time-stretch to repeat.

use sailcast_media::{MediaTime, Micros};

use crate::fade::{fade_in, let_go};

pub const CHANNELS: usize = 2;
/// Fades at seams: long enough not to click, too short to be heard as a fade.
pub const FADE: Micros = Micros::from_millis(5);
/// What Web Audio allows (AudioContext options, Hz): other rates are nonsense and would size buffers.
const RATES: std::ops::RangeInclusive<u32> = 3_000..=768_000;
/// Steps between blocks smaller than this are rounding of the container's clock and are ignored.
const TOLERANCE: Micros = Micros::from_millis(30);
/// How much of such a step the media times take over.
const FOLLOW: f64 = 0.05;
/// A longer gap is not filled: the sound joins anew behind it.
const MAX_FILL: Micros = Micros::from_secs(1);
/// Taken sound that can still be read: what slow playback repeats.
const PAST: Micros = Micros::from_millis(50);

#[derive(Debug)]
pub struct PcmBuffer {
    sample_rate: u32,
    /// The past, then what waits.
    samples: Vec<f32>,
    /// Frames of the past.
    past: usize,
    /// Media time of frame 0, were it still here; `taken` frames have gone since.
    base: MediaTime,
    taken: i64,
    /// What is appended next does not follow from what is there.
    seam: bool,
}

/// What appending found between the buffer's end and the new block.
#[derive(Debug, PartialEq, Eq)]
pub enum Seam {
    Even,
    /// The stream left out this much; there is silence now.
    Filled(Micros),
    /// Both had this much; the new block's is left out.
    Overlapped(Micros),
    /// Too far away; the buffer now starts with the new block. How much the stream left out, as far as it did.
    Restarted(Micros),
}

impl PcmBuffer {
    pub fn new(sample_rate: u32) -> Self {
        Self {
            sample_rate: sample_rate.clamp(*RATES.start(), *RATES.end()),
            samples: Vec::new(),
            past: 0,
            base: MediaTime(0),
            taken: 0,
            seam: false,
        }
    }

    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    /// What waits.
    pub fn samples(&self) -> &[f32] {
        self.samples.get(words(self.past)..).unwrap_or_default()
    }

    /// What waits, and before it what was taken last; and how many frames of that.
    pub fn with_past(&self) -> (&[f32], usize) {
        (&self.samples, self.past)
    }

    pub fn frames(&self) -> usize {
        (self.samples.len() / CHANNELS).saturating_sub(self.past)
    }

    /// Media time of the first frame.
    pub fn start(&self) -> MediaTime {
        self.at(self.taken)
    }

    fn at(&self, frame: i64) -> MediaTime {
        self.base + Micros(MediaTime::from_ticks(frame, self.sample_rate).0)
    }

    fn restart(&mut self, pts: MediaTime, stereo: &[f32]) {
        self.samples.clear();
        self.samples.extend_from_slice(stereo);
        self.past = 0;
        self.base = pts;
        self.taken = 0;
    }

    pub fn length(&self) -> Micros {
        self.time_of(self.frames())
    }

    pub fn time_of(&self, frames: usize) -> Micros {
        Micros(MediaTime::from_ticks(frames as i64, self.sample_rate).0)
    }

    pub fn frames_in(&self, span: Micros) -> usize {
        (span.as_secs_f64().max(0.0) * f64::from(self.sample_rate)) as usize
    }

    /// Adds stereo samples that begin at `pts`: a gap is filled with silence, an overlap left out. `running`: what was taken
    /// last is being heard, so an empty buffer, too, has an end that the block must fit.
    pub fn append(&mut self, pts: MediaTime, stereo: &[f32], running: bool) -> Seam {
        let seam = std::mem::take(&mut self.seam);
        let end = self.taken.saturating_add_unsigned(self.frames() as u64);
        let gap = pts - self.at(end);
        let loose = self.frames() == 0 && !running && gap.abs() > TOLERANCE;
        if gap.abs() > MAX_FILL || loose {
            self.restart(pts, stereo);
            return Seam::Restarted(gap.max(Micros::ZERO));
        }
        if gap.abs() <= TOLERANCE {
            // The container's clock is right in the mean: the times follow it, the samples stay as they are.
            self.base = self.base + gap.scale(FOLLOW);
            match seam {
                true => self.append_faded(stereo.to_vec()),
                false => self.samples.extend_from_slice(stereo),
            }
            return Seam::Even;
        }
        let fade = self.frames_in(FADE);
        if gap > Micros::ZERO {
            let silence = vec![0.0; words(self.frames_in(gap))];
            self.append_faded(silence);
            let begin = self.samples.len();
            self.samples.extend_from_slice(stereo);
            fade_in(self.samples.get_mut(begin..).unwrap_or_default(), fade);
            Seam::Filled(gap)
        } else {
            let overlap = words(self.frames_in(-gap));
            self.append_faded(stereo.get(overlap..).unwrap_or_default().to_vec());
            Seam::Overlapped(-gap)
        }
    }

    /// Adds silence of this length, with its edges faded.
    pub fn append_silence(&mut self, pts: MediaTime, length: Micros, running: bool) -> Seam {
        self.seam = true;
        let seam = self.append(pts, &vec![0.0; words(self.frames_in(length))], running);
        self.seam = true;
        seam
    }

    /// What comes next is from another decoder: it may begin anywhere in the wave.
    pub fn expect_seam(&mut self) {
        self.seam = true;
    }

    /// Appends what does not follow from what is there.
    fn append_faded(&mut self, mut stereo: Vec<f32>) {
        let_go(&self.samples, &mut stereo, self.frames_in(FADE));
        self.samples.extend(stereo);
    }

    pub fn head(&self, frames: usize) -> &[f32] {
        let waiting = self.samples();
        waiting.get(..words(frames).min(waiting.len())).unwrap_or_default()
    }

    pub fn advance(&mut self, frames: usize) {
        let frames = frames.min(self.frames());
        self.taken = self.taken.saturating_add_unsigned(frames as u64);
        self.past = self.past.saturating_add(frames);
        // In strides: each moves all that waits.
        let keep = self.frames_in(PAST);
        if self.past > keep.saturating_mul(2) {
            self.samples.drain(..words(self.past.saturating_sub(keep)));
            self.past = keep;
        }
    }

    /// Takes back what was taken last, as far as it is still here.
    pub fn rewind(&mut self, frames: usize) {
        let frames = frames.min(self.past);
        self.taken = self.taken.saturating_sub_unsigned(frames as u64);
        self.past = self.past.saturating_sub(frames);
    }
}

fn words(frames: usize) -> usize {
    frames.saturating_mul(CHANNELS)
}

/// Changes the rate of stereo samples for an output that cannot run at the stream's own. State is kept between blocks.
#[derive(Debug, Default)]
pub struct Resampler {
    /// The rate of the last block.
    from: u32,
    last: [f32; CHANNELS],
    phase: f64,
}

impl Resampler {
    /// Linear interpolation: the page opens its output at the stream's rate, this only bridges a change or an output
    /// that refused.
    pub fn run(&mut self, stereo: &[f32], from: u32, to: u32) -> Vec<f32> {
        let hz = |rate: u32| f64::from(rate.clamp(*RATES.start(), *RATES.end()));
        let step = hz(from) / hz(to);
        if std::mem::replace(&mut self.from, from) != from
            && let Some(first) = stereo.first_chunk::<CHANNELS>()
        {
            // Nothing goes on here: the last sample is of another time.
            (self.last, self.phase) = (*first, 0.0);
        }
        let mut out = Vec::with_capacity(((stereo.len() as f64 / step) as usize).saturating_add(CHANNELS));
        for frame in stereo.as_chunks::<CHANNELS>().0 {
            let next =
                [frame.first().copied().unwrap_or_default(), frame.last().copied().unwrap_or_default()];
            while self.phase < 1.0 {
                let w = self.phase as f32;
                out.extend(self.last.iter().zip(next).map(|(a, b)| a * (1.0 - w) + b * w));
                self.phase += step;
            }
            self.phase -= 1.0;
            self.last = next;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_becomes_silence_of_its_length_with_both_edges_faded() {
        let mut b = PcmBuffer::new(10_000);
        b.append(MediaTime(0), &[1.0; 2000], true);
        let seam = b.append(MediaTime::from_millis(150), &[1.0; 2000], true);
        assert_eq!(seam, Seam::Filled(Micros::from_millis(50)));
        assert_eq!(b.frames(), 2500);
        assert_eq!(b.samples()[2 * 1200], 0.0);
        assert!(worst_step(&b) < 0.05, "{}", worst_step(&b));
    }

    #[test]
    fn an_overlap_is_left_out_and_its_seam_faded() {
        let mut b = PcmBuffer::new(10_000);
        b.append(MediaTime(0), &[1.0; 2000], true);
        let seam = b.append(MediaTime::from_millis(50), &[-1.0; 2000], true);
        assert_eq!(seam, Seam::Overlapped(Micros::from_millis(50)));
        assert_eq!(b.frames(), 1500);
        assert!(worst_step(&b) < 0.1, "{}", worst_step(&b));
    }

    #[test]
    fn a_gap_behind_sound_that_is_already_being_heard_is_faded_too() {
        let mut b = PcmBuffer::new(10_000);
        b.append(MediaTime(0), &[1.0; 2000], true);
        b.advance(1000);
        b.append(MediaTime::from_millis(200), &[1.0; 2000], true);
        assert_eq!(b.start(), MediaTime::from_millis(100));
        assert!(b.samples()[0] > 0.99, "{}", b.samples()[0]);
        assert!(worst_step(&b) < 0.05, "{}", worst_step(&b));
    }

    #[test]
    fn sound_that_nobody_waits_for_begins_where_it_is() {
        let mut b = PcmBuffer::new(10_000);
        b.append(MediaTime(0), &[1.0; 2000], false);
        b.advance(1000);
        let seam = b.append(MediaTime::from_millis(200), &[1.0; 2000], false);
        assert_eq!(seam, Seam::Restarted(Micros::from_millis(100)));
        assert_eq!((b.start(), b.frames()), (MediaTime::from_millis(200), 1000));
    }

    #[test]
    fn what_was_taken_can_be_taken_back() {
        let mut b = PcmBuffer::new(10_000);
        for i in 0..20i64 {
            b.append(MediaTime::from_millis(i * 100), &[i as f32; 2000], true);
            b.advance(950);
        }
        let before = b.start();
        b.rewind(200);
        assert_eq!(before - b.start(), Micros::from_millis(20));
        b.advance(200);
        assert_eq!(b.start(), before);
        assert!(b.with_past().1 <= 600);
    }

    fn worst_step(b: &PcmBuffer) -> f32 {
        let left: Vec<f32> = b.with_past().0.chunks(2).map(|f| f[0]).collect();
        left.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn rounding_between_blocks_leaves_the_sound_untouched() {
        let mut b = PcmBuffer::new(48_000);
        for i in 0..100i64 {
            b.append(MediaTime::from_millis(i * 1024 * 1000 / 48_000), &[0.1; 2048], true);
        }
        assert_eq!(b.frames(), 102_400);
    }

    #[test]
    fn an_encoder_whose_clock_runs_wrong_is_followed_without_a_seam() {
        // 1024 samples at 44.1 kHz stamped every 23 ms instead of 23.22.
        let mut b = PcmBuffer::new(44_100);
        for i in 0..2000i64 {
            b.append(MediaTime::from_millis(i * 23), &[0.1; 2048], true);
            b.advance(1024);
            assert!((b.start() - MediaTime::from_millis((i + 1) * 23)).abs() < Micros::from_millis(8));
        }
    }

    #[test]
    fn resampling_keeps_the_length() {
        let mut r = Resampler::default();
        let n: usize = (0..100).map(|_| r.run(&[0.0; 882], 44_100, 48_000).len()).sum();
        assert!((n as i64 / 2 - 48_000).abs() < 4, "{n}");
    }
}
