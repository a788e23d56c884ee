//! The codes of all problems, each with its one status and what it means.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($status:literal { $($name:ident = $text:literal: $means:literal;)+ })+) => {
        /// What a problem is, for programs. A code never changes, and has one status.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {$($(
            #[doc = concat!("`", $text, "`, ", $status, ": ", $means, ".")]
            $name,
        )+)+}

        impl Code {
            /// All of them, by status.
            pub const ALL: &[Self] = &[$($(Self::$name),+),+];

            /// As it is told.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {$($(Self::$name => $text,)+)+}
            }

            /// The HTTP status that it is told with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {$($(Self::$name)|+ => $status,)+}
            }

            /// What it means, and what to do about it, for the API's description.
            #[must_use]
            pub const fn means(self) -> &'static str {
                match self {$($(Self::$name => $means,)+)+}
            }
        }
    };
}

codes! {
    400 {
        ValidationError = "VALIDATION_ERROR": "something in the request is not as it should be; `errors` names each field";
    }
    401 {
        Unauthorized = "UNAUTHORIZED": "no token, or not a good one";
        TokenExpired = "TOKEN_EXPIRED": "the time of the link is over";
        TokenInvalid = "TOKEN_INVALID": "none of our links, or one that a newer one, or a removal, has closed";
    }
    403 {
        AccessDenied = "ACCESS_DENIED": "the caller's roles, or their part in the visit, do not allow it";
        ModuleNotLicensed = "MODULE_NOT_LICENSED": "the tenant has not licensed virtual care";
        ConsentRequired = "CONSENT_REQUIRED": "the consent that `gate` names is not on file";
        RecordingDisabled = "RECORDING_DISABLED": "the tenant's visits are not recorded";
    }
    404 {
        NotFound = "NOT_FOUND": "there is nothing at this address";
        SessionNotFound = "SESSION_NOT_FOUND": "no such session, or another tenant's, or one that is not the caller's to see";
        ParticipantNotFound = "PARTICIPANT_NOT_FOUND": "nobody of that id, or no part of the caller's, in this session";
        AsyncVisitNotFound = "ASYNC_VISIT_NOT_FOUND": "no such async visit, or another tenant's, or one that is not the caller's to see";
        ConfigNotFound = "CONFIG_NOT_FOUND": "the tenant has no settings yet";
        DraftNotFound = "DRAFT_NOT_FOUND": "no such draft in this session";
        UploadNotFound = "UPLOAD_NOT_FOUND": "no such upload, or one that another account has begun";
        AttachmentNotFound = "ATTACHMENT_NOT_FOUND": "no such attachment, or not by this link";
    }
    405 {
        MethodNotAllowed = "METHOD_NOT_ALLOWED": "the address does not take this method; `Allow` names those that it takes";
    }
    408 {
        UploadStalled = "UPLOAD_STALLED": "the audio stopped coming";
    }
    409 {
        AppointmentHasVisit = "APPOINTMENT_HAS_VISIT": "the appointment has a visit that was not cancelled; `sessionId` names it";
        SessionOverlaps = "SESSION_OVERLAPS": "the patient or the provider has another visit at that time; `allowOverlap` moves it all the same";
        InvalidStatusTransition = "INVALID_STATUS_TRANSITION": "not in the state that `currentStatus` names";
        OptimisticLockConflict = "OPTIMISTIC_LOCK_CONFLICT": "another version was seen than the one that `currentVersion` names; read again";
        ConcurrentUpdate = "CONCURRENT_UPDATE": "somebody else changed it at the same moment; try again";
        ParticipantNotInWaitingRoom = "PARTICIPANT_NOT_IN_WAITING_ROOM": "they do not wait, but are as `currentStatus` says";
        ProviderNotInSession = "PROVIDER_NOT_IN_SESSION": "no provider is there; join first";
        ParticipantRemoved = "PARTICIPANT_REMOVED": "they were removed, and need to be invited again";
        PatientAlreadyInvited = "PATIENT_ALREADY_INVITED": "the session has its patient";
        ProvidersSignIn = "PROVIDERS_SIGN_IN": "a provider joins by signing in, not by link";
        JoinedOnAnotherDevice = "JOINED_ON_ANOTHER_DEVICE": "the link is open on another device; `takeOver` closes it there";
        AlreadyClaimed = "ALREADY_CLAIMED": "it is somebody else's until `claimedUntil`";
        NotClaimedByYou = "NOT_CLAIMED_BY_YOU": "only who has claimed it may do that";
        ClientMutationIdTaken = "CLIENT_MUTATION_ID_TAKEN": "it names a draft of another patient; draw a new one";
        DraftAlreadyDecided = "DRAFT_ALREADY_DECIDED": "somebody has decided on the draft, as `currentStatus` says";
        DraftExpired = "DRAFT_EXPIRED": "nobody decided on the draft in time";
        UploadOffsetConflict = "UPLOAD_OFFSET_CONFLICT": "the upload is elsewhere, at `currentOffset`, or another request has taken it over";
        UploadDiffers = "UPLOAD_DIFFERS": "this attachment was begun with another length";
        SettingTaken = "SETTING_TAKEN": "another tenant has that value; `errors` names the setting";
        UploadInVisit = "UPLOAD_IN_VISIT": "it is part of a visit that was submitted, and stays";
    }
    410 {
        LinkExpired = "LINK_EXPIRED": "the time of this address is over; ask for the visit's attachments again";
        UploadExpired = "UPLOAD_EXPIRED": "the time of the upload is over; start it again";
        UploadLost = "UPLOAD_LOST": "bytes of the upload were lost in our storage; start it again";
    }
    412 {
        TusVersionUnsupported = "TUS_VERSION_UNSUPPORTED": "another version of tus than the one that `Tus-Version` names";
    }
    413 {
        PayloadTooLarge = "PAYLOAD_TOO_LARGE": "more bytes than are taken";
    }
    415 {
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE": "another type of body than is taken, or not what it is said to be";
    }
    416 {
        RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE": "none of the bytes exist that `Range` names; `Content-Range` says how many there are";
    }
    422 {
        IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED": "the key was used for another request";
        MaxParticipantsExceeded = "MAX_PARTICIPANTS_EXCEEDED": "the session has as many people as the tenant allows";
        MaxAddendaExceeded = "MAX_ADDENDA_EXCEEDED": "as much was added to the answer as is kept";
        AiRefused = "AI_REFUSED": "the machine will not do it; write by hand";
    }
    428 {
        PreconditionRequired = "PRECONDITION_REQUIRED": "the change needs `If-Match` with the version that was seen; read first";
    }
    429 {
        TooManyAtOnce = "TOO_MANY_AT_ONCE": "too much is under way; wait for an answer";
        TooManyUploads = "TOO_MANY_UPLOADS": "this account has begun as many in 24 hours as it may";
        RateLimited = "RATE_LIMITED": "asked too often";
    }
    460 {
        ChecksumMismatch = "CHECKSUM_MISMATCH": "the bytes are not those of the checksum; none of them was taken";
    }
    500 {
        InternalError = "INTERNAL_ERROR": "our fault; nothing is told of it but `requestId`";
    }
    503 {
        ServiceUnavailable = "SERVICE_UNAVAILABLE": "something of ours does not answer";
        IdentityProviderUnavailable = "IDENTITY_PROVIDER_UNAVAILABLE": "there is no key to check the access token with";
        LicenceServiceUnavailable = "LICENCE_SERVICE_UNAVAILABLE": "whether the tenant has a licence is not known";
        ConsentServiceUnavailable = "CONSENT_SERVICE_UNAVAILABLE": "whether there is consent is not known";
        VideoProviderUnavailable = "VIDEO_PROVIDER_UNAVAILABLE": "the tenant's video backend does not answer, or is not set up";
        ProviderQuotaExceeded = "PROVIDER_QUOTA_EXCEEDED": "the tenant's quota at its video provider is used up for now";
        AiUnavailable = "AI_UNAVAILABLE": "the machine does not answer; the visit goes on, take notes by hand";
    }
}

impl Code {
    /// Its status, in words.
    pub(super) fn title(self) -> &'static str {
        let known = StatusCode::from_u16(self.status()).ok().and_then(|status| status.canonical_reason());
        // tus has a status of its own.
        known.unwrap_or("Checksum Mismatch")
    }
}
