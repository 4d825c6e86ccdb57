//! stub

pub mod input;
