//! Fuzzes the graphs of Kiali.
#![no_main]

use watershed_fuzz::sources::formats::kiali::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, parse));
