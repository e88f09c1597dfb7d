//! The members of a document, each read with its place: what a wrong one is refused with.

use std::borrow::Cow;

use super::Json;
use super::place::{Invalid, Place};

/// A value with its place.
pub(super) type At<'j, 'p> = (&'j Json<'j>, Place<'p>);

pub(super) fn required<'j, 'p>(
    object: &'j Json<'j>,
    place: &'p Place<'p>,
    name: &'p str,
) -> Result<At<'j, 'p>, Invalid> {
    let place = place.member(name);
    object.member(name).map(|value| (value, place)).ok_or_else(|| place.missing())
}

/// A member that may be absent or null.
pub(super) fn optional<'j, 'p>(
    object: &'j Json<'j>,
    place: &'p Place<'p>,
    name: &'p str,
) -> Option<At<'j, 'p>> {
    let value = object.member(name).filter(|value| **value != Json::Null)?;
    Some((value, place.member(name)))
}

pub(super) fn text<'j>((value, place): At<'j, '_>) -> Result<&'j str, Invalid> {
    match value {
        Json::String(text) => Ok(text),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            Err(place.invalid(value, "expected a string"))
        }
    }
}

pub(super) fn name<T>(at: At<'_, '_>, names: &[&str], parse: fn(&str) -> Option<T>) -> Result<T, Invalid> {
    parse(text(at)?).ok_or_else(|| at.1.invalid(at.0, format!("expected one of {}", names.join(", "))))
}

pub(super) fn integer((value, place): At<'_, '_>, least: u64, most: u64) -> Result<u64, Invalid> {
    let number = match value {
        Json::Number(number) => number.as_u64(),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    };
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| place.invalid(value, format!("expected an integer from {least} to {most}")))
}

/// A number above `above` and at most `most`.
pub(super) fn number((value, place): At<'_, '_>, above: f64, most: f64) -> Result<f64, Invalid> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::Null | Json::Bool(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    };
    let expected = || format!("expected a number above {above} and at most {most}");
    number.filter(|number| *number > above && *number <= most).ok_or_else(|| place.invalid(value, expected()))
}

/// `true` or `false`.
pub(super) fn flag((value, place): At<'_, '_>) -> Result<bool, Invalid> {
    match value {
        Json::Bool(flag) => Ok(*flag),
        Json::Null | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            Err(place.invalid(value, "expected true or false"))
        }
    }
}

pub(super) fn list<'j, T>(
    document: &'j Json<'j>,
    here: &Place<'_>,
    name: &str,
    mut check: impl FnMut(At<'j, '_>) -> Result<T, Invalid>,
) -> Result<Vec<T>, Invalid> {
    let Some(value) = document.member(name) else { return Ok(Vec::new()) };
    let place = here.member(name);
    let Json::Array(items) = value else { return Err(place.invalid(value, "expected an array")) };
    items.iter().enumerate().map(|(index, item)| check((item, place.item(index)))).collect()
}

pub(super) fn object<'j>((value, place): At<'j, '_>) -> Result<&'j [(Cow<'j, str>, Json<'j>)], Invalid> {
    match value {
        Json::Object(members) => Ok(members),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
            Err(place.invalid(value, "expected an object"))
        }
    }
}
