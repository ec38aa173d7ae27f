//! The types of values (4.2): text to number.

use super::{ByteRange, caps::MAX_SECONDS};
use crate::time::Micros;

/// A decimal integer.
pub(super) fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A decimal number of any sign.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+'));
    text.parse().ok().filter(|value: &f64| plain && value.is_finite())
}

/// Seconds of any sign, rounded to the microsecond. Digit by digit, for binary fractions would not come back as they were.
pub(super) fn signed_seconds(text: &str) -> Option<Micros> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
    let micros = Micros::from_secs(Some(whole).filter(|&whole| whole <= MAX_SECONDS)?) + micros(fraction);
    Some(if negative { -micros } else { micros })
}

/// Seconds of zero or more.
pub(super) fn seconds(text: &str) -> Option<Micros> {
    signed_seconds(text).filter(|time| *time >= Micros::ZERO)
}

/// The decimal digits behind a point.
pub(super) fn micros(fraction: &str) -> Micros {
    let mut micros = 0i64;
    for place in 0..6 {
        let digit = fraction.as_bytes().get(place).map_or(0, |digit| digit.saturating_sub(b'0'));
        micros = micros.saturating_mul(10).saturating_add(i64::from(digit));
    }
    let rounds_up = fraction.as_bytes().get(6).is_some_and(|digit| *digit >= b'5');
    Micros(micros.saturating_add(i64::from(rounds_up)))
}

/// What EXTINF begins with; behind it there may be anything.
pub(super) fn leading_seconds(text: &str) -> Option<Micros> {
    let end =
        text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    seconds(text.get(..end)?)
}

/// `<n>[@<o>]`: the length, and the offset where it is said. Some servers write the sign without the offset.
pub(super) fn byte_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (length, offset) = text.split_once('@').unwrap_or((text, ""));
    let offset = match offset.trim() {
        "" => None,
        offset => Some(number(offset)?),
    };
    Some((number(length.trim())?, offset))
}

/// The end of a range is a number, too.
pub(super) fn range(offset: u64, length: u64) -> Option<ByteRange> {
    offset.checked_add(length).map(|_| ByteRange { offset, length })
}

/// `1920x1080`.
pub(super) fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    Some((width.trim().parse().ok()?, height.trim().parse().ok()?))
}

/// `0x` and at most 32 digits.
pub(super) fn iv(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u128::from_str_radix(digits, 16).ok().filter(|_| hex).map(u128::to_be_bytes)
}

/// A comma-separated list.
pub(super) fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}
