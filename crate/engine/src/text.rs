//! What is sought in short texts. The standard library's own search for a string is 7 KB that every viewer would download.

/// Around the first `part`, which is not empty.
pub fn split_once<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let at = text.as_bytes().windows(part.len()).position(|here| here == part.as_bytes())?;
    Some((text.get(..at)?, text.get(at.saturating_add(part.len())..)?))
}

pub fn contains(text: &str, part: &str) -> bool {
    split_once(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_where_it_is_first() {
        for text in ["", "a", "a://b", "://", "ä://ö://", "a:/b", "a:://b"] {
            assert_eq!(split_once(text, "://"), text.split_once("://"), "{text}");
            assert_eq!(contains(text, "://"), text.contains("://"), "{text}");
        }
    }
}
