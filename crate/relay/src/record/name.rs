//! What a recording is called: by its stream and by when it began, in UTC, so that names sort by time.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA: u64 = 146_097;
/// From 1 March 0000 to 1970, in days.
const EPOCH: u64 = 719_468;

/// `camera-20261130T010203Z.mp4`; the second one of that second is `camera-20261130T010203Z-2.mp4`.
pub fn file_name(stream: &str, now: SystemTime, attempt: u32) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute, second) = (seconds % DAY / 3600, seconds % 3600 / 60, seconds % 60);
    let again = if attempt > 1 { format!("-{attempt}") } else { String::new() };
    format!("{stream}-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z{again}.mp4")
}

/// Year, month and day of days since 1970. Years are counted from March, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + EPOCH;
    let (era, of_era) = (days / ERA, days % ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_name_tells_when_the_recording_began() {
        for (seconds, expected) in [
            (0, "a-19700101T000000Z.mp4"),
            (951_782_399, "a-20000228T235959Z.mp4"),
            (951_782_400, "a-20000229T000000Z.mp4"),
            (1_796_002_418, "a-20261130T013338Z.mp4"),
            (4_107_542_400, "a-21000301T000000Z.mp4"),
        ] {
            assert_eq!(file_name("a", UNIX_EPOCH + Duration::from_secs(seconds), 1), expected);
        }
        assert_eq!(file_name("a", UNIX_EPOCH, 2), "a-19700101T000000Z-2.mp4");
    }
}
