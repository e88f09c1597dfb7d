//! A service with the text that every answer shows of it.
//!
//! The text is derived, made once when the service changes, and cut where answers need to put
//! something between: they copy pieces instead of writing eight members.

use crate::json;
use crate::types::Service;

/// A service as the graph holds it.
pub struct Node {
    service: Service,
    /// `"service_id":<name>` `,"id":…,"discovered":false` `,"metadata":{…}`
    text: Box<[u8]>,
    name_end: u32,
    identity_end: u32,
}

const NAME_START: usize = b"\"service_id\":".len();

impl Node {
    pub(super) fn new(service: Service) -> Self {
        let mut text = Vec::with_capacity(192 + service.metadata_json().len());
        text.extend_from_slice(b"\"service_id\":");
        json::push_string(&mut text, service.service_id().as_str());
        let name_end = text.len() as u32;
        text.extend_from_slice(b",\"id\":");
        json::push_plain(&mut text, service.id().as_hyphenated());
        text.extend_from_slice(b",\"team\":");
        json::push_optional_string(&mut text, service.team());
        text.extend_from_slice(b",\"criticality\":");
        json::push_plain(&mut text, service.criticality().as_str());
        text.extend_from_slice(b",\"service_type\":");
        json::push_plain(&mut text, service.service_type().as_str());
        text.extend_from_slice(b",\"discovered\":");
        json::push_bool(&mut text, service.is_discovered());
        let identity_end = text.len() as u32;
        text.extend_from_slice(b",\"metadata\":");
        text.extend_from_slice(service.metadata_json().as_bytes());
        Self { service, text: text.into(), name_end, identity_end }
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The service id as a quoted JSON string.
    pub fn name_json(&self) -> &[u8] {
        &self.text[NAME_START..self.name_end as usize]
    }

    /// The JSON members from `service_id` to `discovered`, without braces.
    pub fn identity_json(&self) -> &[u8] {
        &self.text[..self.identity_end as usize]
    }

    /// `,"metadata":{…}`.
    pub fn metadata_json(&self) -> &[u8] {
        &self.text[self.identity_end as usize..]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::types::{ServiceId, Timestamp};

    #[test]
    fn the_pieces_are_json() {
        let at = Timestamp::parse("2026-02-14T10:00:00Z").unwrap();
        let id = ServiceId::parse("a \"b\"\\é").unwrap();
        let node = Node::new(Service::placeholder(id.clone(), Uuid::nil(), at));
        let name: String = serde_json::from_slice(node.name_json()).unwrap();
        assert_eq!(name, id.as_str());
        let whole = [b"{", node.identity_json(), node.metadata_json(), b"}"].concat();
        let value: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        let expected = serde_json::json!({
            "service_id": "a \"b\"\\é", "id": "00000000-0000-0000-0000-000000000000", "team": null,
            "criticality": "medium", "service_type": "internal", "discovered": true,
            "metadata": {"source": "auto_discovered"},
        });
        assert_eq!(value, expected);
    }
}
