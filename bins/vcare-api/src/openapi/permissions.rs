//! The permission that each operation of those who sign in needs, written into its `security` as a scope.

use utoipa::Modify;
use utoipa::openapi::OpenApi;
use utoipa::openapi::security::SecurityRequirement;
use vcare_app::authorisation::Permission;

/// The permission that an operation needs, by its `operationId`; `None` for operations that need no access token.
#[must_use]
pub fn needed(operation_id: &str) -> Option<Permission> {
    Some(match operation_id {
        "createSession" => Permission::SessionCreate,
        "listSessions" | "getSession" => Permission::SessionRead,
        "inviteParticipant" => Permission::SessionInvite,
        "issueJoinToken" => Permission::SessionLink,
        "joinSessionAsProvider" => Permission::SessionJoin,
        "admitParticipant" => Permission::SessionAdmit,
        "removeParticipant" => Permission::SessionRemove,
        "startMessageFallback" => Permission::SessionFallBack,
        "submitLinkProbe" => Permission::LinkProbe,
        "endSession" => Permission::SessionEnd,
        "cancelSession" => Permission::SessionCancel,
        "markNoShow" => Permission::SessionNoShow,
        "rescheduleSession" => Permission::SessionReschedule,
        "announceDelay" => Permission::SessionDelay,
        "reportConnection" => Permission::ConnectionReport,
        "withdrawRecordingConsent" => Permission::RecordingWithdraw,
        "transcribeAudio" => Permission::AiTranscribe,
        "createSummaryDraft" => Permission::AiSummary,
        "acceptSummary" => Permission::AiAcceptSummary,
        "createUpload" | "getUploadOffset" | "appendToUpload" | "overrideUploadMethod" | "deleteUpload" => {
            Permission::AsyncVisitUpload
        }
        "listAttachments" | "listAsyncVisits" | "getAsyncVisit" => Permission::AsyncVisitRead,
        "getConfig" => Permission::ConfigRead,
        "updateConfig" | "patchConfig" => Permission::ConfigWrite,
        "testConnection" => Permission::ConfigTest,
        "submitAsyncVisit" | "syncAsyncVisits" | "continueSessionAsync" => Permission::AsyncVisitSubmit,
        "claimAsyncVisit" | "releaseAsyncVisit" | "respondAsyncVisit" | "addAddendum" => Permission::AsyncVisitReview,
        "closeAsyncVisit" => Permission::AsyncVisitClose,
        "getReconciliation" => Permission::ReconciliationRead,
        _ => return None,
    })
}

/// Writes the permission of each operation into its security requirement.
pub struct Permissions;

impl Modify for Permissions {
    fn modify(&self, openapi: &mut OpenApi) {
        for item in openapi.paths.paths.values_mut() {
            for operation in super::operations(item) {
                if let Some(permission) = operation.operation_id.as_deref().and_then(needed) {
                    operation.security = Some(vec![SecurityRequirement::new("accessToken", [permission.as_str()])]);
                }
            }
        }
    }
}
