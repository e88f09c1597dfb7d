//! Fuzzes what Jaeger answers.
#![no_main]

use watershed_fuzz::sources::formats::jaeger::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, parse));
