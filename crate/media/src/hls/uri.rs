//! URI references (RFC 3986): only what playlists need of them.

use super::playlist::Delta;

/// A reference in its five parts, without the signs that part them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reference<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    pub path: &'a str,
    pub query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Appendix B.
    pub fn split(text: &'a str) -> Self {
        let (rest, fragment) = cut(text, '#');
        let (rest, query) = cut(rest, '?');
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }

    fn write(&self, path: &str) -> String {
        // Without an authority, an empty first segment would be taken for one.
        let guard = if self.authority.is_none() && path.starts_with("//") { "/." } else { "" };
        let mut out = String::with_capacity(path.len().saturating_add(64));
        for (before, part, behind) in [
            ("", self.scheme, ":"),
            ("//", self.authority, ""),
            (guard, Some(path), ""),
            ("?", self.query, ""),
            ("#", self.fragment, ""),
        ] {
            if let Some(part) = part {
                out.push_str(before);
                out.push_str(part);
                out.push_str(behind);
            }
        }
        out
    }
}

/// The URI that `reference` means in a document at `base` (5.2).
pub fn resolve(base: &str, reference: &str) -> String {
    resolve_with(&Reference::split(base), reference)
}

pub(super) fn resolve_with(base: &Reference, reference: &str) -> String {
    let r = Reference::split(reference);
    if r.scheme.is_some() && r.authority.is_none() && !r.path.starts_with('/') {
        // `data:` and its like have no segments.
        return reference.to_owned();
    }
    if r.scheme.is_some() {
        return r.write(&without_dots(r.path));
    }
    let target = Reference { scheme: base.scheme, ..r };
    if r.authority.is_some() {
        return target.write(&without_dots(r.path));
    }
    let target = Reference { authority: base.authority, ..target };
    if r.path.is_empty() {
        return Reference { query: r.query.or(base.query), ..target }.write(base.path);
    }
    if r.path.starts_with('/') {
        return target.write(&without_dots(r.path));
    }
    target.write(&without_dots(&merged(base, r.path)))
}

/// 5.2.3.
fn merged(base: &Reference, path: &str) -> String {
    match base.path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{path}"),
        None if base.authority.is_some() => format!("/{path}"),
        None => path.to_owned(),
    }
}

/// 5.2.4. A relative path keeps the `..` that lead out of it.
fn without_dots(path: &str) -> String {
    if !path.contains("./") && !path.ends_with('.') {
        return path.to_owned();
    }
    let rooted = path.strip_prefix('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = rooted.unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." if kept.last().is_some_and(|segment| *segment != "..") => {
                kept.pop();
            }
            ".." if rooted.is_some() => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if last {
            // What ends in a dot segment is a folder.
            kept.push("");
        }
    }
    format!("{}{}", if rooted.is_some() { "/" } else { "" }, kept.join("/"))
}

/// A playlist's URL with delivery directives (6.2.5): behind the query it has, in the order of their names, so that all clients
/// ask a cache for the same. Directives that are there already go.
pub fn with_directives(url: &str, msn: Option<u64>, part: Option<u64>, delta: Option<Delta>) -> String {
    let at = Reference::split(url);
    let own = at.query.unwrap_or_default().split('&').filter(|pair| !pair.starts_with("_HLS_"));
    let mut query: Vec<String> = own.filter(|pair| !pair.is_empty()).map(str::to_owned).collect();
    query.extend(msn.map(|msn| format!("_HLS_msn={msn}")));
    // A part of no segment in particular is a bad request (6.2.5.2).
    query.extend(part.filter(|_| msn.is_some()).map(|part| format!("_HLS_part={part}")));
    query.extend(delta.map(|delta| match delta {
        Delta::Segments => "_HLS_skip=YES".to_owned(),
        Delta::DateRangesToo => "_HLS_skip=v2".to_owned(),
    }));
    let query = query.join("&");
    Reference { query: Some(query.as_str()).filter(|query| !query.is_empty()), ..at }.write(at.path)
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, behind)| (before, Some(behind)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}
