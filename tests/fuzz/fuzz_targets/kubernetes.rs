//! Fuzzes manifests of Kubernetes.
#![no_main]

use watershed_fuzz::sources::kubernetes::of_documents;
use watershed_fuzz::{check, fuzz};

fuzz!(|input| check::parser(input, of_documents));
