//! Which captured frames have their turn at a lower frame rate.

use sailcast_media::{MediaTime, Micros};

/// A frame that comes a little before its turn has it: cameras jitter.
const EARLY: f64 = 0.25;

#[derive(Debug, Default)]
pub struct Pace {
    due: Option<MediaTime>,
}

impl Pace {
    /// Whether the frame captured at `pts` has its turn at `fps`.
    pub fn admits(&mut self, pts: MediaTime, fps: u32) -> bool {
        let interval = Micros::from_secs(1).scale(1.0 / f64::from(fps.max(1)));
        let Some(due) = self.due else {
            self.due = Some(pts + interval);
            return true;
        };
        // A clock that was set anew begins a new pace.
        let anew = (pts - due).abs() > interval + interval;
        if !anew && pts < due - interval.scale(EARLY) {
            return false;
        }
        // The next turn is counted from this one's, so that the mean is right where the camera's rate is no multiple.
        self.due = Some(if anew { pts } else { due } + interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(camera: i64, fps: u32, seconds: i64) -> usize {
        let mut pace = Pace::default();
        (0..camera * seconds).filter(|i| pace.admits(MediaTime(i * 1_000_000 / camera), fps)).count()
    }

    #[test]
    fn the_mean_is_right_for_any_ratio() {
        for (camera, fps) in [(30, 15), (30, 24), (30, 8), (25, 15), (15, 11), (60, 24)] {
            let mean = admitted(camera, fps, 20) as i64;
            assert!((mean - i64::from(fps) * 20).abs() <= 1, "{fps} of {camera}: {mean}");
        }
    }

    #[test]
    fn a_camera_at_the_target_loses_nothing() {
        let mut pace = Pace::default();
        // 15 a second that jitter by 12 ms.
        let all = (0..150i64).filter(|i| pace.admits(MediaTime(i * 66_667 + i * 37 % 12_000), 15)).count();
        assert_eq!(all, 150);
    }

    #[test]
    fn a_clock_set_back_stops_nothing() {
        let mut pace = Pace::default();
        assert!(pace.admits(MediaTime::from_millis(90_000), 15));
        assert!(pace.admits(MediaTime::from_millis(10), 15));
        assert!(!pace.admits(MediaTime::from_millis(30), 15));
    }
}
