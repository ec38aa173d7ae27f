//! What a playlist's texts mean: its variables (4.3) and the URI that all others are relative to.

use std::{borrow::Cow, collections::HashMap};

use super::{
    PlaylistError, Variables,
    attributes::Attributes,
    caps::{MAX_EXPANDED, MAX_URL, MAX_VARIABLE, MAX_VARIABLES},
    uri::{Reference, resolve_with},
};

pub(super) struct Scope<'a> {
    base: Reference<'a>,
    imported: &'a Variables,
    defined: Variables,
    /// Where in `defined`.
    names: HashMap<String, usize>,
    expanded: Expanded,
}

impl<'a> Scope<'a> {
    pub fn new(url: &'a str, imported: &'a Variables) -> Result<Self, PlaylistError> {
        if url.len() > MAX_URL {
            return Err(PlaylistError::TooMany { what: "bytes in its URL", most: MAX_URL });
        }
        Ok(Self {
            base: Reference::split(url),
            imported,
            defined: Variables::default(),
            names: HashMap::new(),
            expanded: Expanded(0),
        })
    }

    pub fn variables(self) -> Variables {
        self.defined
    }

    /// EXT-X-DEFINE (4.4.2.3).
    pub fn define(&mut self, attributes: &Attributes) -> Result<(), PlaylistError> {
        let (name, value) = if let Some(name) = attributes.raw("NAME") {
            (name, attributes.text("VALUE", self)?.ok_or(attributes.bad("a variable without VALUE"))?)
        } else if let Some(name) = attributes.raw("IMPORT") {
            let found = self.imported.0.iter().find(|(known, _)| known == name);
            (name, found.ok_or(attributes.bad("a variable that is not there to import"))?.1.clone())
        } else if let Some(name) = attributes.raw("QUERYPARAM") {
            let found = self.base.query.and_then(|query| parameter(query, name));
            (name, found.ok_or(attributes.bad("a variable that the URL's query does not have"))?)
        } else {
            return Err(attributes.bad("a variable without a name"));
        };
        if value.len() > MAX_VARIABLE {
            return Err(PlaylistError::TooMany { what: "bytes in a variable", most: MAX_VARIABLE });
        }
        if self.defined.0.len() >= MAX_VARIABLES {
            return Err(PlaylistError::TooMany { what: "variables", most: MAX_VARIABLES });
        }
        if self.names.insert(name.to_owned(), self.defined.0.len()).is_some() {
            return Err(attributes.bad("a variable that is there already"));
        }
        self.defined.0.push((name.to_owned(), value));
        Ok(())
    }

    /// The text with all `{$name}` replaced. What they stand for is not looked at again.
    pub fn substitute<'t>(&mut self, line: usize, text: &'t str) -> Result<Cow<'t, str>, PlaylistError> {
        let Some(first) = text.find("{$") else { return Ok(text.into()) };
        let (before, mut rest) = text.split_at_checked(first).unwrap_or((text, ""));
        let mut out = before.to_owned();
        while let Some(reference) = rest.strip_prefix("{$") {
            let (name, behind) = split_name(reference);
            match behind.strip_prefix('}').filter(|_| !name.is_empty()) {
                Some(behind) => {
                    let value = self.names.get(name).and_then(|at| self.defined.0.get(*at));
                    let (_, value) =
                        value.ok_or_else(|| PlaylistError::Undefined { line, name: name.to_owned() })?;
                    self.expanded.spend(value.len())?;
                    out.push_str(value);
                    rest = behind;
                }
                None => {
                    out.push_str("{$");
                    rest = reference;
                }
            }
            let (before, behind) =
                rest.split_at_checked(rest.find("{$").unwrap_or(rest.len())).unwrap_or_default();
            out.push_str(before);
            rest = behind;
        }
        Ok(out.into())
    }

    /// An absolute URI.
    pub fn uri(&mut self, line: usize, text: &str) -> Result<String, PlaylistError> {
        let reference = self.substitute(line, text)?;
        let uri = resolve_with(&self.base, reference.trim());
        // What dot segments cut off again was work, too.
        self.expanded.spend(uri.len().max(self.base.path.len()))?;
        Ok(uri)
    }
}

/// Bytes of `MAX_EXPANDED` that are used up.
struct Expanded(usize);

impl Expanded {
    fn spend(&mut self, bytes: usize) -> Result<(), PlaylistError> {
        self.0 = self.0.saturating_add(bytes);
        match self.0 > MAX_EXPANDED {
            true => Err(PlaylistError::TooMany { what: "bytes when it is expanded", most: MAX_EXPANDED }),
            false => Ok(()),
        }
    }
}

/// A variable's name at the beginning, and what is behind it.
fn split_name(text: &str) -> (&str, &str) {
    let other = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    text.split_at_checked(text.find(other).unwrap_or(text.len())).unwrap_or((text, ""))
}

/// A parameter that has a value, percent-decoded.
fn parameter(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) =
        pairs.filter(|(_, value)| !value.is_empty()).find(|(known, _)| decoded(known) == name)?;
    Some(decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let escaped = behind.first_chunk::<2>().filter(|_| first == b'%').and_then(|digits| {
            let digits = str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { behind.get(2..).unwrap_or_default() } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
