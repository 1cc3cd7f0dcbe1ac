//! What a client must add to its next offer.

/// Sections to add beyond the free ones (LiveKit's `MediaSectionsRequirement`): never totals. All zero: only a new offer
/// is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SectionsRequirement {
    pub audio: u32,
    pub video: u32,
}
