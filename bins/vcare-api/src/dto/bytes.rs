//! Bodies that are no JSON.

use utoipa::ToSchema;

/// Bytes as they are: a picture, a piece of an upload. Only described; what is sent is no value of this type.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Bytes(#[expect(dead_code, reason = "it stands for bytes in the API's description")] Vec<u8>);
