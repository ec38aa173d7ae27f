//! What others say, in no more words than a message has room for.

/// Bytes. A WebSocket's close reason has at most 123.
const MOST: usize = 200;

/// The beginning of it.
pub fn short(words: &str) -> &str {
    words.get(..words.floor_char_boundary(MOST)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(short("no"), "no");
        assert_eq!(short(&"\u{20ac}".repeat(100)).len(), 198);
    }
}
