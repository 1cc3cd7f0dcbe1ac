//! Quality, rid and layer index.

/// LiveKit's `VideoQuality` without `OFF`; its number is the layer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    Low = 0,
    Medium = 1,
    High = 2,
}

/// The quality that LiveKit clients mean by a rid: `q`, `h` and `f` (quarter, half, full).
pub fn quality_of_rid(rid: &str) -> Option<Quality> {
    match rid {
        "q" => Some(Quality::Low),
        "h" => Some(Quality::Medium),
        "f" => Some(Quality::High),
        _ => None,
    }
}

/// The spatial layer that shows a quality best when `layers` exist; 0 when there is only one.
pub fn layer_for_quality(quality: Quality, layers: usize) -> u8 {
    (quality as u8).min(u8::try_from(layers.saturating_sub(1)).unwrap_or(u8::MAX))
}

/// The quality that a layer stands for when `layers` exist. A lone layer is the best there is, whatever its rid.
pub fn quality_of_layer(layer: u8, layers: usize) -> Quality {
    match (layers, layer) {
        (0 | 1, _) => Quality::High,
        (_, 0) => Quality::Low,
        (_, 1) => Quality::Medium,
        _ => Quality::High,
    }
}
