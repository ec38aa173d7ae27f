//! Ranges of time with attributes (EXT-X-DATERANGE), told as messages of the stream at the time they begin.

use std::collections::{HashMap, HashSet};

use sailcast_media::{DemuxEvent, Message, Metadata, Micros, Value, hls::DateRange};

use super::{delivery::Delivery, playlist::Follow};

/// Ranges that have left the playlist are forgotten when they are more than those in it, and more than this.
const FORGOTTEN: usize = 256;

#[derive(Debug, Default)]
pub struct DateRanges {
    told: HashMap<String, DateRange>,
}

impl DateRanges {
    /// Tells those that are new or have changed, once the playlist says what time it is.
    pub fn note(&mut self, follow: &Follow, delivery: &mut Delivery) {
        let Some(list) = follow.list.as_ref().filter(|list| !list.date_ranges.is_empty()) else { return };
        let clock = follow.clock();
        for range in &list.date_ranges {
            if self.told.get(&range.id) == Some(range) {
                continue;
            }
            let Some(time) = range.start.and_then(|start| clock.time_at(start)) else { continue };
            self.told.insert(range.id.clone(), range.clone());
            let message = Message::Script { name: "EXT-X-DATERANGE".to_owned(), values: vec![value(range)] };
            delivery.pass(DemuxEvent::Metadata(Metadata { time, track: None, message }));
        }
        if self.told.len() > list.date_ranges.len().saturating_mul(2).saturating_add(FORGOTTEN) {
            let listed: HashSet<&String> = list.date_ranges.iter().map(|range| &range.id).collect();
            self.told.retain(|id, _| listed.contains(id));
        }
    }
}

/// The attributes under their names in the playlist.
fn value(range: &DateRange) -> Value {
    let text = |name: &str, value: &str| (name.to_owned(), Value::String(value.to_owned()));
    let date = |name: &str, at: Micros| (name.to_owned(), Value::Date(at.0 as f64 / 1000.0));
    let span = |name: &str, span: Micros| (name.to_owned(), Value::Number(span.as_secs_f64()));
    let mut values = vec![text("ID", &range.id)];
    values.extend(range.class.as_ref().map(|class| text("CLASS", class)));
    values.extend(range.start.map(|at| date("START-DATE", at)));
    values.extend(range.end.map(|at| date("END-DATE", at)));
    values.extend(range.duration.map(|d| span("DURATION", d)));
    values.extend(range.planned_duration.map(|d| span("PLANNED-DURATION", d)));
    if range.end_on_next {
        values.push(("END-ON-NEXT".to_owned(), Value::Bool(true)));
    }
    values.extend(range.attributes.iter().map(|(name, value)| text(name, value)));
    Value::Object(values)
}
