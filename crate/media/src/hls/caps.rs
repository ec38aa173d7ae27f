//! What a playlist may hold at most. Past a cap it is refused whole, for a part of a playlist plays wrong.

/// Bytes of the text: 100,000 segments with signed addresses.
pub const MAX_TEXT: usize = 32 << 20;
pub const MAX_LINES: usize = 1_000_000;
/// Bytes of the playlist's own URL: each relative URI is resolved with it.
pub const MAX_URL: usize = 16 << 10;
/// Days of segments of some seconds; also of those that a delta update leaves out.
pub const MAX_SEGMENTS: usize = 100_000;
/// Of all segments together. Servers keep those of the last three target durations.
pub const MAX_PARTS: usize = 50_000;
pub const MAX_DATE_RANGES: usize = 20_000;
pub const MAX_REPORTS: usize = 1000;
/// I-frame variants counted too.
pub const MAX_VARIANTS: usize = 2000;
pub const MAX_RENDITIONS: usize = 2000;
/// Of one tag, and of a date range that several tags describe.
pub const MAX_ATTRIBUTES: usize = 64;
/// Key formats that apply to one segment.
pub const MAX_KEYS: usize = 16;
pub const MAX_VARIABLES: usize = 1000;
/// Bytes of a variable's value.
pub const MAX_VARIABLE: usize = 16 << 10;
/// Bytes of all URIs, resolved, and of all that variables stand for: a short reference may mean a long text.
pub const MAX_EXPANDED: usize = 128 << 20;
/// Of a time or duration in seconds: 30 years. A longer one counts as not said.
pub const MAX_SECONDS: i64 = 1_000_000_000;
/// Of sequence numbers, so that counting on from one never ends.
pub const MAX_SEQUENCE: u64 = 1 << 62;
