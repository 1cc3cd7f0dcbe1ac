//! Quality, rid and layer index, and the layers that a client's section announces.

use super::RemoteSection;
use crate::api::{Encoding, MAX_LAYERS};

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
pub const fn quality_of_layer(layer: u8, layers: usize) -> Quality {
    match (layers, layer) {
        (0 | 1, _) => Quality::High,
        (_, 0) => Quality::Low,
        (_, 1) => Quality::Medium,
        _ => Quality::High,
    }
}

/// The rids that we receive: the first [`MAX_LAYERS`] in the client's order.
pub(super) fn accepted_rids(section: &RemoteSection) -> &[String] {
    section.send_rids.get(..MAX_LAYERS).unwrap_or(&section.send_rids)
}

/// The layers of a section that sends, lowest first.
///
/// Simulcast is announced by rids, with or without SSRCs (Go writes both: one `FID` group per rid, in the same order), or
/// by a `SIM` group of SSRCs.
pub(super) fn encodings(section: &RemoteSection) -> Vec<Encoding> {
    let repair = |ssrc: u32| {
        let group = section.ssrc_groups.iter().find(|g| g.semantics == "FID" && g.ssrcs.first() == Some(&ssrc));
        group.and_then(|group| group.ssrcs.get(1).copied())
    };
    let is_repair =
        |ssrc: &u32| section.ssrc_groups.iter().any(|g| g.semantics == "FID" && g.ssrcs.get(1) == Some(ssrc));
    let by_ssrc = |ssrc: u32| Encoding { rid: None, ssrc: Some(ssrc), rtx_ssrc: repair(ssrc) };
    let primaries: Vec<u32> = section.ssrcs.iter().copied().filter(|ssrc| !is_repair(ssrc)).collect();

    let rids = accepted_rids(section);
    if !rids.is_empty() {
        let known = primaries.len() == section.send_rids.len();
        let mut encodings: Vec<Encoding> = rids
            .iter()
            .enumerate()
            .map(|(index, rid)| {
                let ssrc = primaries.get(index).copied().filter(|_| known);
                Encoding { rid: Some(rid.clone()), ssrc, rtx_ssrc: ssrc.and_then(repair) }
            })
            .collect();
        // Some clients list the best layer first; names that we do not know keep the client's order.
        let quality = |encoding: &Encoding| encoding.rid.as_deref().and_then(quality_of_rid);
        if encodings.iter().all(|encoding| quality(encoding).is_some()) {
            encodings.sort_by_key(quality);
        }
        return encodings;
    }
    if let Some(simulcast) = section.ssrc_groups.iter().find(|group| group.semantics == "SIM") {
        return simulcast.ssrcs.iter().copied().take(MAX_LAYERS).map(by_ssrc).collect();
    }
    match primaries.first() {
        Some(ssrc) => vec![by_ssrc(*ssrc)],
        None => vec![Encoding { rid: None, ssrc: None, rtx_ssrc: None }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities_map_to_the_layers_that_exist() {
        assert_eq!(
            ["q", "h", "f", "x"].map(quality_of_rid),
            [Some(Quality::Low), Some(Quality::Medium), Some(Quality::High), None]
        );
        let layers = |count| [Quality::Low, Quality::Medium, Quality::High].map(|q| layer_for_quality(q, count));
        assert_eq!([layers(0), layers(1), layers(2), layers(3)], [[0, 0, 0], [0, 0, 0], [0, 1, 1], [0, 1, 2]]);
        assert_eq!(quality_of_layer(0, 1), Quality::High);
        assert_eq!([0, 1, 2].map(|layer| quality_of_layer(layer, 3)), [Quality::Low, Quality::Medium, Quality::High]);
    }
}
