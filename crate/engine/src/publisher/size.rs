//! Which size a captured picture is encoded in.

/// The longest side that is encoded.
const LONGEST_SIDE: f64 = 4096.0;

/// A picture of this size brought down to `side` at its shorter one, in even numbers; never larger than it is.
pub fn encoded_size(width: u32, height: u32, side: u32) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let scale = (f64::from(side) / width.min(height)).min(LONGEST_SIDE / width.max(height)).min(1.0);
    // A little more than exact: 0.7 of 1280 is 895.99 to a computer.
    let even = |size: f64| ((((size * scale + 0.01) / 2.0).floor() * 2.0) as u32).max(2);
    (even(width), even(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_even_keep_their_aspect_and_are_not_made_larger() {
        assert_eq!(encoded_size(1280, 720, 504), (896, 504));
        assert_eq!(encoded_size(720, 1280, 504), (504, 896));
        assert_eq!(encoded_size(640, 480, 504), (640, 480));
        assert_eq!(encoded_size(641, 359, 720), (640, 358));
        assert_eq!(encoded_size(1, 1, 504), (2, 2));
        assert_eq!(encoded_size(10_000, 1000, 1000), (4096, 408));
    }
}
