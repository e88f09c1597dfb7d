//! What the fuzz targets share: the parsers, built from their files alone, and what must hold of any input.
//!
//! Not the library: that brings clients, a server and TLS, which take minutes to build, and no parser needs them. The
//! files are those of the product, not copies of them; a file that would need more does not build here.

// What the clients and the server use of them is not used here.
#![allow(dead_code, unused_imports)]

#[path = "../../../src/ingest/mod.rs"]
pub mod ingest;
#[path = "../../../src/limits.rs"]
pub mod limits;
#[path = "../../../src/types/mod.rs"]
pub mod types;

pub mod check;
pub mod mutate;
pub mod sources;

/// A target: what is done with an input, and how inputs are made.
#[macro_export]
macro_rules! fuzz {
    (|$input:ident| $body:expr) => {
        libfuzzer_sys::fuzz_target!(|$input: &[u8]| $body);
        libfuzzer_sys::fuzz_mutator!(|room: &mut [u8], size: usize, most: usize, seed: u32| {
            $crate::mutate::mutate(room, size, most, seed)
        });
    };
}
