//! Attribute lists (4.2): `NAME=value,NAME="value"`.

use std::borrow::Cow;

use super::{PlaylistError, caps::MAX_ATTRIBUTES, scope::Scope, value};
use crate::time::Micros;

/// One tag's attributes. Of a name that comes twice the last one counts. Quotes are neither demanded nor refused: servers mix them up.
pub(super) struct Attributes<'a> {
    line: usize,
    list: Vec<(&'a str, &'a str)>,
}

impl<'a> Attributes<'a> {
    pub fn parse(line: usize, text: &'a str) -> Result<Self, PlaylistError> {
        let mut list = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if list.len() >= MAX_ATTRIBUTES {
                return Err(PlaylistError::TooMany { what: "attributes in a tag", most: MAX_ATTRIBUTES });
            }
            let end = rest.find([',', '=']).unwrap_or(rest.len());
            let (name, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
            let Some(behind) = behind.strip_prefix('=') else {
                rest = behind.strip_prefix(',').unwrap_or_default();
                continue;
            };
            let (value, behind) = split_value(behind.trim_start())
                .ok_or(PlaylistError::BadTag { line, what: "a quote without an end" })?;
            list.push((name.trim(), value));
            rest = behind;
        }
        Ok(Self { line, list })
    }

    /// What is wrong with this tag.
    pub fn bad(&self, what: &'static str) -> PlaylistError {
        PlaylistError::BadTag { line: self.line, what }
    }

    /// As it stands, variables not substituted: of the types that allow none.
    pub fn raw(&self, name: &str) -> Option<&'a str> {
        self.list.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// With variables substituted, as quoted strings and hexadecimal sequences may have them (4.3).
    pub fn text(&self, name: &str, scope: &mut Scope) -> Result<Option<String>, PlaylistError> {
        let raw = self.raw(name);
        raw.map(|raw| scope.substitute(self.line, raw).map(Cow::into_owned)).transpose()
    }

    /// An absolute URI.
    pub fn uri(&self, name: &str, scope: &mut Scope) -> Result<Option<String>, PlaylistError> {
        self.raw(name).map(|raw| scope.uri(self.line, raw)).transpose()
    }

    pub fn list(&self, name: &str, scope: &mut Scope) -> Result<Vec<String>, PlaylistError> {
        Ok(self.text(name, scope)?.as_deref().map(value::list).unwrap_or_default())
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.raw(name).and_then(value::number)
    }

    pub fn decimal(&self, name: &str) -> Option<f64> {
        self.raw(name).and_then(value::decimal)
    }

    pub fn seconds(&self, name: &str) -> Option<Micros> {
        self.raw(name).and_then(value::seconds)
    }

    pub fn yes(&self, name: &str) -> bool {
        self.raw(name) == Some("YES")
    }

    /// All, of a name that comes twice only the last one.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let last = |(at, (name, _)): &(usize, &(&'a str, &'a str))| {
            self.list.iter().skip(at.saturating_add(1)).all(|(later, _)| later != name)
        };
        self.list.iter().enumerate().filter(last).map(|(_, attribute)| *attribute)
    }
}

/// A value, and what is behind the comma that ends it.
fn split_value(text: &str) -> Option<(&str, &str)> {
    let (value, behind) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => text.split_at_checked(text.find(',').unwrap_or(text.len()))?,
    };
    let rest = behind.split_once(',').map_or("", |(_, rest)| rest);
    Some((if text.starts_with('"') { value } else { value.trim_end() }, rest))
}
