//! Why a model file is not imported.

use alloc::string::String;

use crate::graph::GraphError;

/// The kinds of reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportErrorKind {
    /// The file can't be read.
    Io,
    /// The file is no ONNX model, or contradicts itself.
    Malformed,
    /// The model is valid, but uses what is not supported.
    Unsupported,
    /// A runtime might accept the model, but it has no exact meaning, or not the meaning that it seems to have.
    Refused,
    /// A size is beyond what is imported.
    TooLarge,
}

impl ImportErrorKind {
    /// A stable word for scripts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Io => "io",
            Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::Refused => "refused",
            Self::TooLarge => "too_large",
        }
    }
}

/// Why a model file is not imported: what, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}{}",
    if .place.is_empty() { String::new() } else { alloc::format!("{place}: ") },
    if .hint.is_empty() { String::new() } else { alloc::format!(" ({hint})") })]
pub struct ImportError {
    /// The kind of reason.
    pub kind: ImportErrorKind,
    /// The node, tensor or file; empty where the whole model is meant.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl ImportError {
    pub(super) fn new(kind: ImportErrorKind, message: impl Into<String>) -> Self {
        Self { kind, place: String::new(), message: message.into(), hint: String::new() }
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(ImportErrorKind::Malformed, message)
    }

    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ImportErrorKind::Unsupported, message)
    }

    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self::new(ImportErrorKind::Refused, message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self::new(ImportErrorKind::TooLarge, message)
    }

    /// The same error, with what to do about it.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// The same error, at a place (kept if one is known already).
    pub(super) fn at(mut self, place: impl Into<String>) -> Self {
        if self.place.is_empty() {
            self.place = place.into();
        }
        self
    }
}

impl From<GraphError> for ImportError {
    fn from(e: GraphError) -> Self {
        Self::refused(e.message).at(e.place)
    }
}

/// A list from a file, cut to fit into a message.
pub(super) fn listed<T: core::fmt::Debug>(items: &[T]) -> String {
    const MOST: usize = 8;
    match items.get(..MOST) {
        Some(first) if items.len() > MOST => alloc::format!("{first:?}… ({} in all)", items.len()),
        _ => alloc::format!("{items:?}"),
    }
}

/// A name from a file, fit for a terminal and a message: escaped and cut.
pub(super) fn printable(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    text
}
