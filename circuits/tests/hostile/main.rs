//! Hostile model files: each is refused with the right error, in bounded time and memory, and nothing panics.
#![cfg(all(feature = "import", feature = "r1cs"))]

mod bytes;
mod limits;
mod memory;
#[allow(dead_code, unreachable_pub, reason = "shared with the test vectors")]
mod model;
mod operators;
mod scales;
mod structure;

use std::time::{Duration, Instant};

use avouch_circuits::import::{
    ImportError, ImportErrorKind, Imported, import,
    proto::{Graph, Model},
};
use prost::Message as _;

/// Longest that any file may take.
const TIME: Duration = Duration::from_secs(2);
/// Most memory that any file may take, in bytes.
const MEMORY: usize = 500_000_000;

/// Imports within the limits of time and memory.
fn import_bounded(bytes: &[u8]) -> Result<Imported, ImportError> {
    let start = Instant::now();
    let (result, peak) = memory::peak(|| import(bytes));
    let elapsed = start.elapsed();
    assert!(elapsed < TIME, "{elapsed:?}");
    assert!(peak < MEMORY, "{peak} bytes for a file of {}", bytes.len());
    if let Err(e) = &result {
        // A message is for a terminal, whatever the file holds.
        let text = e.to_string();
        assert!(text.len() < 2000 && !text.contains(char::is_control), "{text}");
    }
    result
}

fn import_model(model: &Model) -> Result<Imported, ImportError> {
    import_bounded(&model.encode_to_vec())
}

/// The model is refused for this kind of reason, at this place, with these words.
#[track_caller]
fn refused(model: &Model, kind: ImportErrorKind, place: &str, words: &str) {
    refused_bytes(&model.encode_to_vec(), kind, place, words);
}

#[track_caller]
fn refused_bytes(bytes: &[u8], kind: ImportErrorKind, place: &str, words: &str) {
    let error = import_bounded(bytes).err().unwrap_or_else(|| panic!("imported, not refused: {words}"));
    assert_eq!((error.kind, &*error.place), (kind, place), "{error}");
    assert!(error.message.contains(words), "{error}\nlacks: {words}");
}

fn graph(model: &mut Model) -> &mut Graph {
    model.graph.as_mut().unwrap()
}
