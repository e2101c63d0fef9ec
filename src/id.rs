//! Names of things: files, requests and parts.

/// A file in the queue. The application's side numbers files, so that it can
/// name one before the core has heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A request in flight. The core numbers requests; an id is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(pub u32);

/// A part number, 1-based as both services count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartNumber(pub u32);

impl PartNumber {
    /// The first part of every upload.
    pub const FIRST: Self = Self(1);

    /// The part behind this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
