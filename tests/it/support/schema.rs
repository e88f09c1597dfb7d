//! Whether a value is what a schema of the API's document says: the part of JSON Schema that the document uses.

use serde_json::Value;

/// What is wrong with a value; nothing when it is as the schema says. `document` is where references lead.
pub(crate) fn faults(document: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    if let Some(target) = schema["$ref"].as_str() {
        let schema = document.pointer(target.trim_start_matches('#')).unwrap_or_else(|| panic!("{target}"));
        return faults(document, schema, value, place);
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let fitting =
            options.iter().filter(|option| faults(document, option, value, place).is_empty()).count();
        return if fitting == 1 {
            Vec::new()
        } else {
            vec![format!("{place}: {value} fits {fitting} of oneOf")]
        };
    }
    let mut found = Vec::new();
    let mut wrong = |is_wrong: bool, what: &str| {
        if is_wrong {
            found.push(format!("{place}: {value} {what} {schema}"));
        }
    };
    wrong(!has_type(&schema["type"], value), "is not of the type of");
    let listed = schema["enum"].as_array();
    wrong(listed.is_some_and(|listed| !listed.contains(value)), "is none of");
    if let Some(number) = value.as_f64() {
        let bound = |name: &str| schema[name].as_f64();
        wrong(bound("minimum").is_some_and(|least| number < least), "is below");
        wrong(bound("maximum").is_some_and(|most| number > most), "is above");
        wrong(bound("exclusiveMinimum").is_some_and(|least| number <= least), "is not above");
    }
    if let Some(text) = value.as_str() {
        let length = text.chars().count() as u64;
        wrong(schema["minLength"].as_u64().is_some_and(|least| length < least), "is shorter than");
        wrong(schema["maxLength"].as_u64().is_some_and(|most| length > most), "is longer than");
    }
    if let Some(items) = value.as_array() {
        let length = items.len() as u64;
        wrong(schema["minItems"].as_u64().is_some_and(|least| length < least), "has fewer items than");
        wrong(schema["maxItems"].as_u64().is_some_and(|most| length > most), "has more items than");
        for (number, item) in items.iter().enumerate() {
            found.extend(faults(document, &schema["items"], item, &format!("{place}[{number}]")));
        }
    } else if let Some(members) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            wrong(!members.contains_key(name.as_str().unwrap()), &format!("lacks {name} of"));
        }
        for (name, member) in members {
            let place = format!("{place}.{name}");
            let schema = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
            found.extend(faults(document, schema, member, &place));
        }
    }
    found
}

fn has_type(types: &Value, value: &Value) -> bool {
    let one = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    };
    match types {
        Value::String(name) => one(name),
        Value::Array(names) => names.iter().any(|name| one(name.as_str().unwrap())),
        _ => true,
    }
}
