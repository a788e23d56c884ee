//! The events as an AsyncAPI 3.0 document.

use serde_json::{Map, Value, json};

use crate::events::catalogue::{EVENT_TYPES, EventType};

/// The document. It refers to the schemas by file: `<subject>.schema.json` beside it.
#[must_use]
pub fn asyncapi() -> Value {
    let each = |entry: fn(&EventType) -> Value| -> Map<String, Value> {
        EVENT_TYPES.iter().map(|event| (event.subject.to_owned(), entry(event))).collect()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Virtual care events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in structured JSON. Delivered at least once, in order per visit; drop repeats \
                by source and id. They hold ids, states, times and numbers, and no names. Fields may be added: ignore what \
                you do not know. A breaking change comes as a new type, v2 beside v1.",
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "nats": {
                "host": "{host}",
                "protocol": "nats",
                "description": "JetStream; the stream VIRTUAL_CARE holds virtual_care.>",
                "variables": { "host": { "default": "nats:4222", "description": "Host and port of the platform's NATS" } },
            },
        },
        "channels": each(channel),
        "operations": each(operation),
        "components": { "messages": each(message) },
    })
}

fn channel(event: &EventType) -> Value {
    json!({
        "address": event.subject,
        "servers": [{ "$ref": "#/servers/nats" }],
        "messages": { "event": { "$ref": format!("#/components/messages/{}", event.subject) } },
    })
}

fn operation(event: &EventType) -> Value {
    json!({
        "action": "send",
        "summary": event.description,
        "channel": { "$ref": format!("#/channels/{}", event.subject) },
        "messages": [{ "$ref": format!("#/channels/{}/messages/event", event.subject) }],
    })
}

fn message(event: &EventType) -> Value {
    json!({
        "name": event.subject,
        "title": event.title,
        "summary": event.description,
        "headers": {
            "type": "object",
            "properties": {
                "Nats-Msg-Id": { "type": "string", "description": "The event's id" },
                "Content-Type": { "type": "string", "const": "application/cloudevents+json" },
            },
        },
        "payload": { "$ref": format!("./{}.schema.json", event.subject) },
    })
}
