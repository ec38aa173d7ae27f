//! Dates (ISO/IEC 8601:2004) to µs since 1970 and back.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "fields have at most four digits, and RANGE bounds what is written"
)]

use std::fmt::Write;

use super::value::micros;
use crate::time::Micros;

const DAY: i64 = 86_400;
/// Days of 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01. A year that begins in March has its leap day at the end.
const EPOCH: i64 = 719_468;
/// The first and the last second of the years 0 to 9999.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// `2010-02-19T14:54:23.031+08:00`. Without an offset it is taken for UTC.
pub(super) fn parse(text: &str) -> Option<Micros> {
    let mut rest = text.trim();
    let year = field(&mut rest, 4, None)?;
    let month = field(&mut rest, 2, Some('-'))?;
    let day = field(&mut rest, 2, Some('-'))?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut seconds = days(year, month, day) * DAY;
    let mut fraction = "";
    if let Some(time) = rest.strip_prefix(['T', 't', ' ']) {
        rest = time;
        let (hour, minute) = (field(&mut rest, 2, None)?, field(&mut rest, 2, Some(':'))?);
        // A leap second is 60.
        let second = field(&mut rest, 2, Some(':')).unwrap_or_default();
        if hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        seconds += clock(hour, minute) + second;
        if let Some(decimals) = rest.strip_prefix(['.', ',']) {
            let end = decimals.find(|c: char| !c.is_ascii_digit()).unwrap_or(decimals.len());
            (fraction, rest) = decimals.split_at_checked(end)?;
        }
    }
    seconds -= offset(rest.trim())?;
    RANGE.contains(&seconds).then(|| Micros::from_secs(seconds) + micros(fraction))
}

/// `None` outside of the years 0 to 9999.
pub(super) fn write(time: Micros) -> Option<String> {
    let seconds = time.0.div_euclid(1_000_000);
    if !RANGE.contains(&seconds) {
        return None;
    }
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.");
    let micros = time.0.rem_euclid(1_000_000);
    let _ = match micros % 1000 {
        0 => write!(out, "{:03}Z", micros / 1000),
        _ => write!(out, "{micros:06}Z"),
    };
    Some(out)
}

/// Exactly `digits` digits, behind `before`. A separator may be missing, as in the basic format.
fn field(rest: &mut &str, digits: usize, before: Option<char>) -> Option<i64> {
    let text = before.and_then(|before| rest.strip_prefix(before)).unwrap_or(rest);
    let (value, behind) = text.split_at_checked(digits)?;
    let value = value.bytes().all(|byte| byte.is_ascii_digit()).then(|| value.parse().ok())?;
    *rest = behind;
    value
}

fn clock(hour: i64, minute: i64) -> i64 {
    hour * 3600 + minute * 60
}

/// Seconds east of UTC.
fn offset(text: &str) -> Option<i64> {
    let mut rest = match text {
        "" | "Z" | "z" => return Some(0),
        _ => text.get(1..)?,
    };
    let hours = field(&mut rest, 2, None)?;
    let minutes = if rest.is_empty() { 0 } else { field(&mut rest, 2, Some(':'))? };
    let seconds = clock(hours, minutes);
    match (text.chars().next()?, rest) {
        ('+', "") => Some(seconds),
        ('-', "") => Some(-seconds),
        _ => None,
    }
}

/// Days since 1970-01-01.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let march = (month + 9) % 12;
    let year = if month > 2 { year } else { year - 1 };
    let of_era = year.rem_euclid(400);
    let of_year = (153 * march + 2) / 5 + day - 1;
    year.div_euclid(400) * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

fn civil(days: i64) -> (i64, i64, i64) {
    let (era, day) = ((days + EPOCH).div_euclid(ERA), (days + EPOCH).rem_euclid(ERA));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let march = (5 * of_year + 2) / 153;
    let month = if march < 10 { march + 3 } else { march - 9 };
    let year = era * 400 + of_era + i64::from(month <= 2);
    (year, month, of_year - (153 * march + 2) / 5 + 1)
}
