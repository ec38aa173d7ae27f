//! Which frame rate and size a bitrate is enough for.
//!
//! Going down, the frame rate falls to its lowest before the picture becomes smaller; going up, the size comes back first. What
//! an encoder needs for a pixel is a guess until it has made more than it was asked for: then it is known.

use sailcast_media::Micros;

use super::UplinkConfig;
use crate::io::Instant;

/// Below so many bits a pixel a realtime H.264 encoder gives blocks, or more than it was asked for.
const BITS_A_PIXEL: f64 = 0.03;
/// What is learnt of an encoder is believed up to this.
const MOST_BITS_A_PIXEL: f64 = 0.2;
/// An encoder that makes so much more than asked cannot do with less.
const OVERSHOOT: f64 = 1.3;
/// And is asked again for what it could not do after so long.
const FORGET_AFTER: Micros = Micros::from_secs(30);
/// More than enough, before the frame rate or the size goes up.
const ROOM_ABOVE: f64 = 1.3;
/// Up at most so often; down at once.
const UP_AFTER: Micros = Micros::from_secs(2);
const DOWN_AFTER: Micros = Micros::from_millis(500);
/// Frame rates in steps of about this.
const FPS_STEP: f64 = 0.8;
/// 16:9.
const ASPECT: f64 = 16.0 / 9.0;

#[derive(Debug)]
pub struct Shape {
    fps: (u32, u32),
    sides: Vec<u32>,
    now_fps: u32,
    now_side: usize,
    needed: f64,
    learnt: Option<Instant>,
    changed: Option<Instant>,
}

impl Shape {
    pub fn new(config: &UplinkConfig, bitrate: u32) -> Self {
        let mut shape = Self {
            fps: (1, 1),
            sides: Vec::new(),
            now_fps: u32::MAX,
            now_side: 0,
            needed: BITS_A_PIXEL,
            learnt: None,
            changed: None,
        };
        shape.configure(config, bitrate);
        shape
    }

    pub fn configure(&mut self, config: &UplinkConfig, bitrate: u32) {
        let highest = config.fps.1.max(1);
        let fps = (config.fps.0.clamp(1, highest), highest);
        if self.fps == fps && self.sides == config.sides {
            return;
        }
        self.fps = fps;
        self.sides.clone_from(&config.sides);
        (self.now_fps, self.now_side) = (highest, 0);
        while self.is_too_much(bitrate) && self.step_down() {}
    }

    pub fn fps(&self) -> u32 {
        self.now_fps
    }

    /// The shorter side; as large as the source where none is named.
    pub fn side(&self) -> u32 {
        self.sides.get(self.now_side).copied().unwrap_or(u32::MAX)
    }

    /// The encoder is asked for `bitrate`, and makes `made` where that is known.
    pub fn follow(&mut self, bitrate: u32, made: Option<f64>, now: Instant) {
        let since = self.changed.map_or(UP_AFTER, |at| now - at);
        self.learn(bitrate, made, now);
        if self.is_too_much(bitrate) {
            if since >= DOWN_AFTER && self.step_down() {
                self.changed = Some(now);
            }
        } else if since >= UP_AFTER && self.step_up(bitrate) {
            self.changed = Some(now);
        }
    }

    fn learn(&mut self, bitrate: u32, made: Option<f64>, now: Instant) {
        let pixels = self.pixels(self.now_side) * f64::from(self.now_fps);
        match made {
            Some(made) if made > f64::from(bitrate) * OVERSHOOT => {
                self.needed = self.needed.max(made / pixels.max(1.0)).min(MOST_BITS_A_PIXEL);
                self.learnt = Some(now);
            }
            _ if self.learnt.is_some_and(|at| now - at >= FORGET_AFTER) => {
                self.needed = BITS_A_PIXEL;
                self.learnt = None;
            }
            _ => {}
        }
    }

    fn is_too_much(&self, bitrate: u32) -> bool {
        f64::from(bitrate) < self.needs(self.now_side, self.now_fps)
    }

    fn needs(&self, side: usize, fps: u32) -> f64 {
        self.needed * self.pixels(side) * f64::from(fps)
    }

    /// Of a source of unknown size, that of the configured one's place.
    fn pixels(&self, side: usize) -> f64 {
        let side = f64::from(self.sides.get(side).copied().unwrap_or(0));
        side * side * ASPECT
    }

    fn step_down(&mut self) -> bool {
        if self.now_fps > self.fps.0 {
            self.now_fps = slower(self.now_fps).max(self.fps.0);
            return true;
        }
        let next = self.now_side.saturating_add(1);
        let is_there = next < self.sides.len();
        if is_there {
            self.now_side = next;
        }
        is_there
    }

    fn step_up(&mut self, bitrate: u32) -> bool {
        let has = f64::from(bitrate) / ROOM_ABOVE;
        if let Some(larger) = self.now_side.checked_sub(1) {
            let enough = has >= self.needs(larger, self.now_fps);
            if enough {
                self.now_side = larger;
            }
            return enough;
        }
        let faster = faster(self.now_fps).min(self.fps.1);
        let enough = faster > self.now_fps && has >= self.needs(self.now_side, faster);
        if enough {
            self.now_fps = faster;
        }
        enough
    }
}

fn slower(fps: u32) -> u32 {
    (f64::from(fps) * FPS_STEP) as u32
}

fn faster(fps: u32) -> u32 {
    (f64::from(fps) / FPS_STEP).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Instant = |s| Instant(s * 1_000_000);

    fn shape(bitrate: u32) -> Shape {
        let config = UplinkConfig { fps: (8, 15), sides: vec![720, 504, 360], ..UplinkConfig::default() };
        Shape::new(&config, bitrate)
    }

    fn settle(shape: &mut Shape, bitrate: u32, from: u64) -> u64 {
        (from..from + 60).for_each(|s| shape.follow(bitrate, None, S(s)));
        from + 60
    }

    #[test]
    fn the_frame_rate_falls_before_the_size() {
        let mut s = shape(1_000_000);
        assert_eq!((s.fps(), s.side()), (15, 720));
        let at = settle(&mut s, 300_000, 0);
        assert!(s.fps() < 15 && s.side() == 720, "{s:?}");
        settle(&mut s, 120_000, at);
        assert!(s.fps() == 8 && s.side() < 720, "{s:?}");
    }

    #[test]
    fn the_size_comes_back_before_the_frame_rate() {
        let mut s = shape(1_000_000);
        let at = settle(&mut s, 100_000, 0);
        assert_eq!((s.fps(), s.side()), (8, 360));
        let at = settle(&mut s, 300_000, at);
        assert_eq!((s.fps(), s.side()), (8, 720));
        settle(&mut s, 1_000_000, at);
        assert_eq!((s.fps(), s.side()), (15, 720));
    }

    #[test]
    fn an_encoder_that_cannot_do_with_less_gets_less_to_do() {
        let mut s = shape(1_000_000);
        (0..20).for_each(|i| s.follow(500_000, Some(900_000.0), S(i)));
        assert!(s.fps() < 15, "{s:?}");
    }

    #[test]
    fn between_two_shapes_it_does_not_go_to_and_fro() {
        let mut s = shape(400_000);
        let mut changes = 0;
        for i in 0..600u64 {
            let before = (s.fps(), s.side());
            s.follow(if i % 2 == 0 { 300_000 } else { 330_000 }, None, S(i));
            changes += u32::from(before != (s.fps(), s.side()));
        }
        assert!(changes <= 3, "{changes}");
    }
}
