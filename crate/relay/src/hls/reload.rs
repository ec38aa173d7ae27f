//! What a client asks of a playlist beside its text: that it waits for a segment or a part, and that it leaves out what the
//! client has (RFC 8216bis, 6.2.5).

use thiserror::Error;

use super::{packager::Packager, window::Edge};
use sailcast_media::Micros;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadDirective {
    #[error("_HLS_msn and _HLS_part are numbers")]
    NotANumber,
    #[error("_HLS_part needs _HLS_msn")]
    PartOfNothing,
    #[error("_HLS_skip is YES or v2")]
    Skip,
    #[error("this playlist is at {}, too far from there to wait", .0.sequence)]
    TooFar(Edge),
}

/// The directives of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    pub msn: Option<u64>,
    pub part: Option<u64>,
    pub skip: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    Ready,
    Wait,
}

impl Directives {
    pub fn parse(query: Option<&str>) -> Result<Self, BadDirective> {
        let mut directives = Self::default();
        let number = |text: &str| text.parse().map(Some).map_err(|_| BadDirective::NotANumber);
        for (key, value) in query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('=')) {
            match (key, value) {
                ("_HLS_msn", value) => directives.msn = number(value)?,
                ("_HLS_part", value) => directives.part = number(value)?,
                ("_HLS_skip", "YES" | "v2") => directives.skip = true,
                ("_HLS_skip", _) => return Err(BadDirective::Skip),
                _ => {}
            }
        }
        match directives {
            Self { msn: None, part: Some(_), .. } => Err(BadDirective::PartOfNothing),
            directives => Ok(directives),
        }
    }

    /// Whether the playlist has come as far as is asked for. A part behind the last one of its segment is the first one of the
    /// next segment.
    pub fn reload(self, packager: &Packager) -> Result<Reload, BadDirective> {
        let (window, target) = (packager.window(), packager.part_target());
        let edge = window.edge();
        let Some(msn) = self.msn.filter(|_| !window.has_ended()) else { return Ok(Reload::Ready) };
        let part = self.part.filter(|_| target.is_some());
        // Two behind the last complete one.
        if msn > edge.sequence.saturating_add(1) {
            return Err(BadDirective::TooFar(edge));
        }
        let known = if msn == edge.sequence { edge.parts } else { 0 };
        if part.is_some_and(|part| msn >= edge.sequence && part >= known.saturating_add(parts_ahead(target)))
        {
            return Err(BadDirective::TooFar(edge));
        }
        let is_there = match part {
            _ if msn.checked_add(1).is_some_and(|next| next < edge.sequence) => true,
            None => msn < edge.sequence,
            Some(part) if msn < edge.sequence => {
                let parts = window.segment(msn).map_or(0, |segment| segment.parts.len() as u64);
                part < parts || edge.parts > 0
            }
            Some(part) => msn == edge.sequence && part < edge.parts,
        };
        Ok(if is_there { Reload::Ready } else { Reload::Wait })
    }
}

/// The Advance Part Limit (6.2.5.2).
fn parts_ahead(target: Option<Micros>) -> u64 {
    let seconds = target.map_or(1.0, |target| target.as_secs_f64()).min(1.0);
    (3.0 / seconds).ceil() as u64
}

#[cfg(test)]
#[path = "reload_tests.rs"]
mod tests;
