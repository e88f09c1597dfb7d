//! Fuzzes what is read of the metrics of Linkerd: each text of an input is the answer to one query.
#![no_main]

use watershed_fuzz::sources::prometheus::{Mesh, Source};
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::reader(input, &Source::Mesh(Mesh::Linkerd)));
