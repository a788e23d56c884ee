//! The API's description, generated from the code that answers.

mod conditions;
mod headers;
pub mod permissions;
mod refusals;
mod request_headers;
mod shared;
mod views;

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use self::conditions::Conditions;
use self::headers::Headers;
use self::permissions::Permissions;
use self::refusals::Refusals;
use self::request_headers::RequestHeaders;
use self::shared::Shared;
use self::views::Views;
use crate::dto::{
    AdmissionDto, JoinStatusDto, JoinTokenDto, JoinedDto, LinkDto, ParticipantDto, ProviderTimeDto, SegmentDto,
    SessionListDto, VirtualSessionDto,
};
use crate::problem::{FieldError, ProblemDetails};
use crate::routes;
use crate::routes::async_visits::dto::{AsyncVisitDto, SyncDto, SyncResultDto};
use crate::routes::async_visits::summary::AsyncVisitListDto;
use crate::values;

struct Security;

impl Modify for Security {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = |text: &str| {
            let http = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(text));
            SecurityScheme::Http(http.build())
        };
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("accessToken", scheme("The identity provider's RS256 access token. An operation names the permission that one of the caller's roles must have; whether it counts for one visit depends on the caller's relation to its patient"));
        components.add_security_scheme("internalToken", scheme("The token of a tenant's own Jitsi, or of one that several tenants share: it says whose rooms the caller may ask and tell about"));
        components.add_security_scheme("joinToken", scheme("The token of a join link"));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Virtual care service",
        version = "1.0.0",
        description = "Telehealth visits: gates, waiting room, video room, Encounter and charge.\n\nEvery refusal is `application/problem+json` with a `code` that never changes and a `type` that is the address of a page about it (`/api/v1/virtual-care/problems` has them all); each operation names its codes, with an example. `VALIDATION_ERROR` lists all invalid fields at once in `errors`: each with a JSON Pointer into the body, or the name of the parameter or header, and a code of its own. A 429 says with `RateLimit` and `Retry-After` when to ask again.\n\nHEAD is answered wherever GET is, with the same headers and no body, and is audited like it; but not where GET joins a session or is held open. OPTIONS answers `Allow`.\n\n An address that is not described answers 404 `NOT_FOUND`, another method 405 `METHOD_NOT_ALLOWED` with `Allow`. Answers carry `X-Request-Id`, which helps to find them again. Decisions take the session's `version` in `If-Match` or in the body and answer 409 `OPTIMISTIC_LOCK_CONFLICT` when it has moved on. Every POST of those who sign in takes an `Idempotency-Key`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Sessions", description = "For those who sign in"),
        (name = "Async visits", description = "Without a live link: written offline, answered by a clinician"),
        (name = "Patients", description = "For those who come by link"),
        (name = "AI", description = "What machines write down, for clinicians to decide on"),
        (name = "Uploads", description = "Photos and voice notes of async visits, by tus 1.0"),
        (name = "Configuration", description = "For those who set a tenant up"),
        (name = "Public", description = "For everybody's browser"),
        (name = "Internal", description = "For the deployment's own Jitsi servers and recorders; not through Kong"),
        (name = "Operations", description = "For those who run the service"),
    ),
    paths(
        routes::sessions::create::create,
        routes::sessions::list::list,
        routes::sessions::read::read,
        routes::sessions::invite::invite,
        routes::sessions::join_token::join_token,
        routes::sessions::remove::remove,
        routes::sessions::join::join,
        routes::sessions::admit::admit,
        routes::sessions::fallback_message::fallback_message,
        routes::sessions::end::end,
        routes::sessions::cancel::cancel,
        routes::sessions::no_show::no_show,
        routes::sessions::reschedule::reschedule,
        routes::sessions::delay::signed_in,
        routes::sessions::delay::by_link,
        routes::sessions::cancel::by_link,
        routes::join::join_by_get,
        routes::join::join_by_post,
        routes::waiting::status::status,
        routes::waiting::connection::by_token,
        routes::waiting::connection::signed_in,
        routes::waiting::short::resolve,
        routes::waiting::clinic::clinic,
        routes::link_probe::by_token,
        routes::link_probe::signed_in,
        routes::sessions::withdraw_recording::withdraw_recording,
        routes::ai::transcribe::transcribe,
        routes::ai::summary::summary,
        routes::ai::accept_summary::accept_summary,
        routes::async_visits::submit::submit,
        routes::async_visits::sync::sync,
        routes::async_visits::list::list,
        routes::async_visits::read::read,
        routes::async_visits::claim::claim,
        routes::async_visits::release::release,
        routes::async_visits::respond::respond,
        routes::async_visits::addendum::addendum,
        routes::async_visits::close::close,
        routes::async_visits::continue_async::continue_async,
        routes::config::read::read,
        routes::config::write::write,
        routes::config::patch::patch,
        routes::config::test_connection::test_connection,
        routes::uploads::tus::describe,
        routes::uploads::tus::describe_one,
        routes::uploads::create::create,
        routes::uploads::read::read,
        routes::uploads::append::append,
        routes::uploads::append::instead,
        routes::uploads::discard::discard,
        routes::uploads::list::list,
        routes::uploads::open::open,
        routes::uploads::open::describe,
        routes::branding::branding,
        routes::visit_page::send,
        routes::visit_page::receive,
        routes::internal::conference::reserve,
        routes::internal::conference::read,
        routes::internal::conference::closed,
        routes::internal::presence::occupant_joined,
        routes::internal::presence::occupant_left,
        routes::internal::presence::room_created,
        routes::internal::presence::room_destroyed,
        routes::internal::recordings::finished,
        routes::reconciliation::reconciliation,
        routes::operations::health,
        routes::operations::live,
        routes::operations::ready,
        routes::operations::metrics,
    ),
    components(
        schemas(
    VirtualSessionDto, ParticipantDto, LinkDto, SegmentDto, ProviderTimeDto, SessionListDto, AdmissionDto, JoinTokenDto, JoinedDto, JoinStatusDto, ProblemDetails, FieldError, AsyncVisitDto, AsyncVisitListDto, SyncDto, SyncResultDto,
            values::SessionId, values::ParticipantId, values::AsyncVisitId, values::UploadId, values::ListOrder, values::EmergencyReasonCode,
        ),
    ),
    modifiers(&Security, &Refusals, &Permissions, &Conditions, &RequestHeaders, &Headers, &Views, &Shared),
)]
struct Description;

/// A path's operations, to be written on.
fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, .. } = item;
    [get, put, post, delete, options, head, patch].into_iter().flatten()
}

/// The OpenAPI 3.1 document.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
