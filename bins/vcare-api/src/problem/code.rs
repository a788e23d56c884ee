//! The codes of all problems: one line each, with its status, its title and what it means.

use crate::answer::BASE;

macro_rules! codes {
    ($($status:literal { $($name:ident = $text:literal, $title:literal: $means:literal;)+ })+) => {
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

            /// A short name for people. The same for every problem of this code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {$($(Self::$name => $title,)+)+}
            }

            /// What it means, and what to do about it, for the API's description and the code's page.
            #[must_use]
            pub const fn means(self) -> &'static str {
                match self {$($(Self::$name => $means,)+)+}
            }
        }
    };
}

codes! {
    400 {
        ValidationError = "VALIDATION_ERROR", "Invalid request": "the request is invalid; `errors` lists the invalid fields";
        CursorMismatch = "CURSOR_MISMATCH", "Cursor of another list": "the cursor is not one of this list: of this account, these filters and this order; begin at the first page";
    }
    401 {
        Unauthorized = "UNAUTHORIZED", "Authentication required": "the access token is missing or invalid";
        AccessTokenExpired = "ACCESS_TOKEN_EXPIRED", "Access token expired": "the access token has expired; get a new one and send the request again";
        TokenExpired = "TOKEN_EXPIRED", "Join link expired": "the join link has expired";
        TokenInvalid = "TOKEN_INVALID", "Join token invalid": "the join token is invalid, or was superseded by a newer link or by removal of the participant";
    }
    403 {
        AccessDenied = "ACCESS_DENIED", "Access denied": "the caller's role, or their role in the session, does not permit this";
        ModuleNotLicensed = "MODULE_NOT_LICENSED", "Virtual care not licensed": "the tenant has no licence for virtual care";
        ConsentRequired = "CONSENT_REQUIRED", "Consent required": "the consent named in `gate` is missing";
        RecordingDisabled = "RECORDING_DISABLED", "Recording disabled": "recording is disabled for this tenant";
    }
    404 {
        NotFound = "NOT_FOUND", "Not found": "no such endpoint";
        SessionNotFound = "SESSION_NOT_FOUND", "Session not found": "the session does not exist, belongs to another tenant, or is not visible to the caller";
        ParticipantNotFound = "PARTICIPANT_NOT_FOUND", "Participant not found": "the session has no such participant, or the caller is not a participant";
        AsyncVisitNotFound = "ASYNC_VISIT_NOT_FOUND", "Async visit not found": "the async visit does not exist, belongs to another tenant, or is not visible to the caller";
        ConfigNotFound = "CONFIG_NOT_FOUND", "Tenant settings not found": "the tenant has no settings yet";
        DraftNotFound = "DRAFT_NOT_FOUND", "Draft not found": "the session has no such AI draft";
        UploadNotFound = "UPLOAD_NOT_FOUND", "Upload not found": "the upload does not exist or was created by another account";
        AttachmentNotFound = "ATTACHMENT_NOT_FOUND", "Attachment not found": "the attachment does not exist or the signature of the URL is invalid";
    }
    405 {
        MethodNotAllowed = "METHOD_NOT_ALLOWED", "Method not allowed": "the endpoint does not support this method; `Allow` lists the supported ones";
    }
    408 {
        UploadStalled = "UPLOAD_STALLED", "Upload stalled": "no audio data was received for too long";
    }
    409 {
        AppointmentHasVisit = "APPOINTMENT_HAS_VISIT", "Appointment already has a session": "the appointment already has a session that was not cancelled; see `sessionId`";
        SessionOverlaps = "SESSION_OVERLAPS", "Session overlaps another": "the patient or the provider has another session at that time; send `allowOverlap` to move it anyway";
        InvalidStatusTransition = "INVALID_STATUS_TRANSITION", "Not allowed in this state": "not allowed in the state given in `currentStatus`";
        OptimisticLockConflict = "OPTIMISTIC_LOCK_CONFLICT", "Version conflict": "the version sent is not the current one (`currentVersion`); read again and retry";
        ConcurrentUpdate = "CONCURRENT_UPDATE", "Concurrent update": "changed by another request at the same time; retry";
        ParticipantNotInWaitingRoom = "PARTICIPANT_NOT_IN_WAITING_ROOM", "Participant not waiting": "the participant is not in the waiting room; see `currentStatus`";
        ProviderNotInSession = "PROVIDER_NOT_IN_SESSION", "No provider in the session": "no provider has joined; join first";
        ParticipantRemoved = "PARTICIPANT_REMOVED", "Participant removed": "the participant was removed and needs a new invitation";
        PatientAlreadyInvited = "PATIENT_ALREADY_INVITED", "Patient already invited": "the session already has a patient";
        ProvidersSignIn = "PROVIDERS_SIGN_IN", "Providers must sign in": "providers join with an access token, not with a join link";
        JoinedOnAnotherDevice = "JOINED_ON_ANOTHER_DEVICE", "Joined on another device": "the session is open on another device; send `takeOver` to switch to this one";
        AlreadyClaimed = "ALREADY_CLAIMED", "Already claimed": "claimed by another clinician until `claimedUntil`";
        NotClaimedByYou = "NOT_CLAIMED_BY_YOU", "Not claimed by you": "only the clinician who holds the claim may do this";
        ClientMutationIdTaken = "CLIENT_MUTATION_ID_TAKEN", "Client mutation ID already used": "the ID belongs to a submission for another patient; generate a new one";
        DraftAlreadyDecided = "DRAFT_ALREADY_DECIDED", "Draft already decided": "the draft was already accepted or declined; see `currentStatus`";
        DraftExpired = "DRAFT_EXPIRED", "Draft expired": "the draft expired before a decision";
        UploadOffsetConflict = "UPLOAD_OFFSET_CONFLICT", "Upload offset conflict": "`Upload-Offset` is not the current offset (`currentOffset`), or a newer request is writing to the upload";
        UploadDiffers = "UPLOAD_DIFFERS", "Upload length differs": "the upload of this attachment was created with another length";
        SettingTaken = "SETTING_TAKEN", "Setting already in use": "another tenant uses this value; `errors` names the setting";
        UploadInVisit = "UPLOAD_IN_VISIT", "Upload in use": "the upload belongs to a submitted async visit and cannot be deleted";
    }
    410 {
        LinkExpired = "LINK_EXPIRED", "Attachment URL expired": "the attachment URL has expired; request the attachment list again";
        SubjectErased = "SUBJECT_ERASED", "Erased": "what was written about the patient was erased, and nothing new is written about them";
        UploadExpired = "UPLOAD_EXPIRED", "Upload expired": "the upload has expired; create a new one";
        UploadLost = "UPLOAD_LOST", "Upload lost": "bytes of the upload were lost in our storage; create a new one";
    }
    412 {
        TusVersionUnsupported = "TUS_VERSION_UNSUPPORTED", "tus version not supported": "use the tus version given in `Tus-Version`";
    }
    413 {
        PayloadTooLarge = "PAYLOAD_TOO_LARGE", "Body too large": "the request body exceeds the limit";
    }
    415 {
        UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", "Unsupported media type": "the media type is not supported, or the content does not match it";
    }
    416 {
        RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE", "Range not satisfiable": "`Range` names no existing bytes; `Content-Range` gives the size";
    }
    422 {
        IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", "Idempotency key reused": "the idempotency key was already used for a different request";
        MaxParticipantsExceeded = "MAX_PARTICIPANTS_EXCEEDED", "Too many participants": "the session has the maximum number of participants";
        MaxAddendaExceeded = "MAX_ADDENDA_EXCEEDED", "Too many addenda": "the answer has the maximum number of addenda";
        AiRefused = "AI_REFUSED", "Rejected by the AI gateway": "the AI gateway rejected the request; write the note manually";
    }
    428 {
        PreconditionRequired = "PRECONDITION_REQUIRED", "Precondition required": "the change needs `If-Match` with the version that was seen; read first";
    }
    429 {
        TooManyAtOnce = "TOO_MANY_AT_ONCE", "Too many concurrent requests": "too many requests are in progress; wait for a response, then retry";
        TooManyUploads = "TOO_MANY_UPLOADS", "Too many uploads": "the account has created the maximum number of uploads in 24 hours";
        RateLimited = "RATE_LIMITED", "Rate limit exceeded": "rate limit exceeded; retry after `Retry-After` seconds";
    }
    460 {
        ChecksumMismatch = "CHECKSUM_MISMATCH", "Checksum mismatch": "the body does not match `Upload-Checksum`; no bytes were stored";
    }
    500 {
        InternalError = "INTERNAL_ERROR", "Internal error": "internal error; use `requestId` when contacting support";
    }
    503 {
        ServiceUnavailable = "SERVICE_UNAVAILABLE", "Service unavailable": "a required component is unavailable or timed out; retry";
        IdentityProviderUnavailable = "IDENTITY_PROVIDER_UNAVAILABLE", "Identity provider unavailable": "the signing keys of the identity provider cannot be fetched";
        LicenceServiceUnavailable = "LICENCE_SERVICE_UNAVAILABLE", "Licence service unavailable": "the licence cannot be checked";
        ConsentServiceUnavailable = "CONSENT_SERVICE_UNAVAILABLE", "Consent service unavailable": "consent cannot be checked";
        VideoProviderUnavailable = "VIDEO_PROVIDER_UNAVAILABLE", "Video backend unavailable": "the tenant's video backend is unavailable or not configured";
        ProviderQuotaExceeded = "PROVIDER_QUOTA_EXCEEDED", "Video provider quota exceeded": "the tenant's quota at the video provider is exhausted";
        AiUnavailable = "AI_UNAVAILABLE", "AI gateway unavailable": "the AI gateway is unavailable; the session continues, take notes manually";
    }
}

impl Code {
    /// The last segment of the address of its page: the code in kebab case.
    #[must_use]
    pub fn page(self) -> String {
        self.as_str().to_lowercase().replace('_', "-")
    }

    /// The code that has this page.
    #[must_use]
    pub fn of_page(page: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.page() == page)
    }

    /// The `type` of its problems: the address of its page. The same in every deployment, so that programs may compare it;
    /// relative to the host, which nobody needs to configure.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{BASE}/problems/{}", self.page())
    }
}
