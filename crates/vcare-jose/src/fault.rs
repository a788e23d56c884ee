//! What can be wrong with a token.

/// Why a token was refused, or could not be made. Its text holds nothing of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not three parts of unpadded base64url with JSON in the first two, longer than
    /// [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES), or claims of another shape than asked for.
    #[error("the token is malformed")]
    Malformed,
    /// The header's `typ` is not one that we take.
    #[error("the token is of another type")]
    WrongType,
    /// The header names another algorithm than the one we verify with.
    #[error("the token is signed with another algorithm")]
    WrongAlgorithm,
    /// No key by that id.
    #[error("the token is signed with an unknown key")]
    UnknownKey {
        /// The id the token names; from outside and unverified, so not part of the error's text.
        kid: String,
    },
    /// The signature is not ours.
    #[error("the token's signature does not match")]
    BadSignature,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A key that no token may be signed with: shorter than the hash (RFC 7518 §3.2).
    #[error("the signing key is too short")]
    WeakKey,
}
