//! What an operator is told of a damaged log, and what giving up a part of it leaves.
