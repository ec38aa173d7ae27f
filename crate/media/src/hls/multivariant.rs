//! Multivariant playlists (4.4.6).

use super::{
    MultivariantPlaylist, PlaylistError, Rendition, RenditionKind, Variant,
    attributes::Attributes,
    caps::{MAX_RENDITIONS, MAX_VARIANTS},
    parse::Head,
    scope::Scope,
    text::{Item, Text},
    value,
};

pub(super) fn parse(text: Text, mut scope: Scope) -> Result<MultivariantPlaylist, PlaylistError> {
    let mut playlist = MultivariantPlaylist::default();
    let mut head = Head::new();
    // A variant whose URI is still to come.
    let mut pending: Option<Variant> = None;
    for line in text.lines() {
        let line = line?;
        let number = line.number;
        match line.item() {
            Item::Uri(uri) => {
                if let Some(variant) = pending.take() {
                    let uri = scope.uri(number, uri)?;
                    playlist.variants.push(Variant { uri, ..variant });
                }
            }
            Item::Tag("EXT-X-STREAM-INF", value) => {
                pending = Some(variant(&Attributes::parse(number, value)?, &mut scope)?);
            }
            Item::Tag("EXT-X-I-FRAME-STREAM-INF", value) => {
                let attributes = Attributes::parse(number, value)?;
                if let Some(uri) = attributes.uri("URI", &mut scope)? {
                    playlist.i_frame_variants.push(Variant { uri, ..variant(&attributes, &mut scope)? });
                }
            }
            Item::Tag("EXT-X-MEDIA", value) => {
                let attributes = Attributes::parse(number, value)?;
                playlist.renditions.extend(rendition(&attributes, &mut scope)?);
            }
            Item::Tag("EXTINF", _) => {
                return Err(PlaylistError::BadTag {
                    line: number,
                    what: "a segment in a multivariant playlist",
                });
            }
            Item::Tag(name, value) => {
                head.tag(number, name, value, &mut scope)?;
            }
        }
        check(&playlist)?;
    }
    if playlist.variants.is_empty() {
        return Err(PlaylistError::Missing("variants"));
    }
    let Head { version, independent_segments, start } = head;
    Ok(MultivariantPlaylist {
        version,
        independent_segments,
        start,
        variables: scope.variables(),
        ..playlist
    })
}

fn check(playlist: &MultivariantPlaylist) -> Result<(), PlaylistError> {
    if playlist.variants.len().saturating_add(playlist.i_frame_variants.len()) > MAX_VARIANTS {
        return Err(PlaylistError::TooMany { what: "variants", most: MAX_VARIANTS });
    }
    if playlist.renditions.len() > MAX_RENDITIONS {
        return Err(PlaylistError::TooMany { what: "renditions", most: MAX_RENDITIONS });
    }
    Ok(())
}

/// What EXT-X-STREAM-INF and EXT-X-I-FRAME-STREAM-INF say (4.4.6.2, 4.4.6.3).
fn variant(attributes: &Attributes, scope: &mut Scope) -> Result<Variant, PlaylistError> {
    let size = attributes.raw("RESOLUTION").and_then(value::resolution);
    let average_bandwidth = attributes.number("AVERAGE-BANDWIDTH");
    let name = match attributes.text("NAME", scope)? {
        Some(name) => Some(name),
        None => attributes.text("STABLE-VARIANT-ID", scope)?,
    };
    Ok(Variant {
        uri: String::new(),
        bandwidth: attributes.number("BANDWIDTH").or(average_bandwidth).unwrap_or_default(),
        average_bandwidth,
        score: attributes.decimal("SCORE"),
        codecs: attributes.list("CODECS", scope)?,
        supplemental_codecs: attributes.list("SUPPLEMENTAL-CODECS", scope)?,
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        frame_rate: attributes.decimal("FRAME-RATE"),
        video_range: attributes.text("VIDEO-RANGE", scope)?,
        video_layout: attributes.list("REQ-VIDEO-LAYOUT", scope)?,
        name,
        pathway: attributes.text("PATHWAY-ID", scope)?,
        audio: attributes.text("AUDIO", scope)?,
        video: attributes.text("VIDEO", scope)?,
        subtitles: attributes.text("SUBTITLES", scope)?,
    })
}

/// A rendition of no group, or of a kind that is not known, is passed over: no variant leads to it.
fn rendition(attributes: &Attributes, scope: &mut Scope) -> Result<Option<Rendition>, PlaylistError> {
    let kind = match attributes.raw("TYPE") {
        Some("AUDIO") => RenditionKind::Audio,
        Some("VIDEO") => RenditionKind::Video,
        Some("SUBTITLES") => RenditionKind::Subtitles,
        Some("CLOSED-CAPTIONS") => RenditionKind::ClosedCaptions,
        _ => return Ok(None),
    };
    let Some(group) = attributes.text("GROUP-ID", scope)? else { return Ok(None) };
    let language = attributes.text("LANGUAGE", scope)?;
    let name = attributes.text("NAME", scope)?;
    let is_default = attributes.yes("DEFAULT");
    Ok(Some(Rendition {
        kind,
        name: name.or_else(|| language.clone()).unwrap_or_else(|| group.clone()),
        group,
        language,
        uri: attributes.uri("URI", scope)?,
        is_default,
        autoselect: is_default || attributes.yes("AUTOSELECT"),
        characteristics: attributes.list("CHARACTERISTICS", scope)?,
        channels: attributes.text("CHANNELS", scope)?,
    }))
}
