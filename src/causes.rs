//! An error with what caused it, in one line.

use std::error::Error;

/// An error and its causes, which say more than the outermost. A cause that repeats what stands there is left out.
pub fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Said(&'static str, #[source] Option<Box<Said>>);

    #[test]
    fn each_cause_is_said_once() {
        let inner = Said("refused", None);
        let middle = Said("refused", Some(Box::new(inner)));
        let outer = Said("no answer", Some(Box::new(middle)));
        assert_eq!(causes(&outer), "no answer: refused");
        assert_eq!(causes(&Said("alone", None)), "alone");
    }
}
