//! # avouch-conformance: held against what others recorded
//!
//! | module | holds the importer and the executor against |
//! |---|---|
//! | [`models`] | outputs of ONNX Runtime, for every sample of every model folder |
//! | [`node_tests`] | the ONNX project's tests of single operators; here the circuits of every proof system are held against them, too |
//! | [`systems`] | does that: one inference on every circuit |
//!
//! A library, so that tests and the command share one implementation. It prints nothing: see [`report`].
#![forbid(unsafe_code)]

pub mod models;
pub mod node_tests;
pub mod report;
pub mod systems;

use std::{io, path::PathBuf};

/// What stops a suite before it has a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A folder that is not there, or holds nothing of the kind.
    #[error("{path}: {expected} expected here; {ENVIRONMENT} names the folder that holds models-and-data and bench-models", path = path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// A file that can't be read.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is not what its name says.
    #[error("{path}: {message}", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// Name of the environment variable with the root of the recorded data.
pub const ENVIRONMENT: &str = "AVOUCH_CONFORMANCE_DATA";

/// Reads a whole file.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })
}

/// The entries of a folder, by name.
fn entries(folder: &std::path::Path, expected: &'static str) -> Result<Vec<PathBuf>, Error> {
    let missing = || Error::Missing { path: folder.to_path_buf(), expected };
    let listed = std::fs::read_dir(folder).map_err(|_| missing())?;
    let mut paths = listed
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| Error::Io { path: folder.to_path_buf(), source })?;
    paths.sort();
    Ok(paths)
}

/// The last part of a path, for people.
fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
