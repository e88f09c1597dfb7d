//! Fuzzes the catalogs of Backstage.
#![no_main]

use watershed_fuzz::sources::backstage::parse;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, parse));
