//! Every path the API answers, in one place.

pub mod ai;
pub mod async_visits;
pub mod branding;
pub mod config;
pub mod internal;
pub mod join;
pub mod link_probe;
mod methods;
pub mod operations;
pub mod problems;
pub mod reconciliation;
pub mod sessions;
pub mod uploads;
pub mod visit_page;
pub mod waiting;

use actix_web::dev::{HttpServiceFactory, Service};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::PayloadConfig;
use actix_web::{Route, web};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::answer::BASE;
use crate::extract::authenticate;
use crate::openapi;
use crate::problem::Problem;
use crate::request;
use crate::routes::async_visits::{LONGEST_SYNC, LONGEST_TEXT};
use crate::routes::methods::{Methods, options, routed};

pub use methods::{CrossOrigin, head_of_documents};

/// A transcript of several hours, in any script and however it is escaped.
const LONG_BODY: usize = 768 * 1024;

/// One path, answered in time. What else a path answers by its methods is in [`methods`].
fn resource(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes).and_options();
    (options(path, methods.clone()), routed(path, &methods, routes).wrap(from_fn(request::in_time)))
}

/// The same, for bodies of that length.
fn resource_with(path: &str, longest: usize, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes).and_options();
    let resource = routed(path, &methods, routes).app_data(PayloadConfig::new(longest));
    (options(path, methods), resource.wrap(from_fn(request::in_time)))
}

/// The same, without HEAD: its GET lets somebody in.
fn entering(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::exactly(&routes).and_options();
    (options(path, methods.clone()), routed(path, &methods, routes).wrap(from_fn(request::in_time)))
}

/// A path without HEAD whose GET is held open; it watches its time itself.
fn held_open(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::exactly(&routes).and_options();
    (options(path, methods.clone()), routed(path, &methods, routes))
}

/// One path, for those who sign in.
fn signed_in(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes).and_options();
    let resource = routed(path, &methods, routes);
    // The last is the outermost: checking who calls takes time, too.
    (options(path, methods), resource.wrap(from_fn(authenticate)).wrap(from_fn(request::in_time)))
}

/// The same, for bodies that are long and come slowly.
fn signed_in_slowly(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes).and_options();
    let resource = routed(path, &methods, routes).app_data(PayloadConfig::new(LONG_BODY));
    (options(path, methods), resource.wrap(from_fn(authenticate)).wrap(from_fn(request::in_upload_time)))
}

/// The same, for bodies of that length.
fn signed_in_with(path: &str, longest: usize, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes).and_options();
    let resource = routed(path, &methods, routes).app_data(PayloadConfig::new(longest));
    (options(path, methods), resource.wrap(from_fn(authenticate)).wrap(from_fn(request::in_time)))
}

/// The same for uploads, which speak tus; without a deadline where a body may take an hour. Their OPTIONS tells of tus, too.
fn resumable(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let methods = Methods::of(&routes);
    let resource = routed(path, &methods, routes).wrap(from_fn(authenticate)).wrap(from_fn(uploads::protocol));
    resource.wrap_fn(move |req, next| {
        let (asked, methods) = (req.method() == Method::OPTIONS, methods.clone());
        let answer = next.call(req);
        async move {
            let mut answered = answer.await?;
            if asked {
                let request = answered.request().clone();
                methods.tell(&request, answered.headers_mut());
            }
            Ok(answered)
        }
    })
}

/// The same, for the deployment's own servers. Nobody else is told what there is.
fn inside(path: &str, routes: Vec<(Method, Route)>) -> impl HttpServiceFactory + 'static {
    let resource = routed(path, &Methods::of(&routes), routes);
    resource.wrap(from_fn(internal::internal_only)).wrap(from_fn(request::in_time))
}

fn delete(route: Route) -> (Method, Route) {
    (Method::DELETE, route)
}

fn put(route: Route) -> (Method, Route) {
    (Method::PUT, route)
}

fn get(route: Route) -> (Method, Route) {
    (Method::GET, route)
}

fn post(route: Route) -> (Method, Route) {
    (Method::POST, route)
}

fn head(route: Route) -> (Method, Route) {
    (Method::HEAD, route)
}

fn patch(route: Route) -> (Method, Route) {
    (Method::PATCH, route)
}

/// Answered before it comes to its route; stands there to be told as allowed.
fn abilities() -> (Method, Route) {
    (Method::OPTIONS, web::route().to(actix_web::HttpResponse::NoContent))
}

/// Adds every route.
pub fn configure(app: &mut web::ServiceConfig) {
    let to = |path: &str| format!("{BASE}{path}");
    let at = |path: &str| to(&format!("/sessions/{{sessionId}}{path}"));
    app.service(entering(
        &to("/sessions/join"),
        vec![get(web::route().to(join::join_by_get)), post(web::post().to(join::join_by_post))],
    ))
    .service(held_open(&to("/sessions/join/status"), vec![get(web::route().to(waiting::status::status))]))
    .service(resource(&to("/sessions/join/connection"), vec![post(web::post().to(waiting::connection::by_token))]))
    .service(resource(&to("/sessions/join/short"), vec![post(web::post().to(waiting::short::resolve))]))
    .service(resource(&to("/sessions/join/clinic"), vec![post(web::post().to(waiting::clinic::clinic))]))
    .service(resource(&to("/sessions/join/delay"), vec![post(web::post().to(sessions::delay::by_link))]))
    .service(resource(&to("/sessions/join/cancel"), vec![post(web::post().to(sessions::cancel::by_link))]))
    .service(resource_with(
        &to("/sessions/join/link-probe"),
        link_probe::MOST_BYTES,
        vec![post(web::post().to(link_probe::by_token))],
    ))
    .service(signed_in_with(
        &at("/link-probe"),
        link_probe::MOST_BYTES,
        vec![post(web::post().to(link_probe::signed_in))],
    ))
    .service(signed_in(
        &to("/sessions"),
        vec![get(web::route().to(sessions::list::list)), post(web::post().to(sessions::create::create))],
    ))
    .service(signed_in(
        &at(""),
        vec![get(web::route().to(sessions::read::read)), patch(web::patch().to(sessions::reschedule::reschedule))],
    ))
    .service(signed_in(&at("/participants"), vec![post(web::post().to(sessions::invite::invite))]))
    .service(signed_in(
        &at("/participants/{participantId}/join-token"),
        vec![post(web::post().to(sessions::join_token::join_token))],
    ))
    .service(signed_in(
        &at("/participants/{participantId}/remove"),
        vec![post(web::post().to(sessions::remove::remove))],
    ))
    .service(signed_in(&at("/join"), vec![post(web::post().to(sessions::join::join))]))
    .service(signed_in(&at("/admit/{participantId}"), vec![post(web::post().to(sessions::admit::admit))]))
    .service(signed_in(&at("/connection"), vec![post(web::post().to(waiting::connection::signed_in))]))
    .service(signed_in(
        &at("/fallback-message"),
        vec![post(web::post().to(sessions::fallback_message::fallback_message))],
    ))
    .service(signed_in(&at("/end"), vec![post(web::post().to(sessions::end::end))]))
    .service(signed_in(&at("/delay"), vec![post(web::post().to(sessions::delay::signed_in))]))
    .service(signed_in(&at("/cancel"), vec![post(web::post().to(sessions::cancel::cancel))]))
    .service(signed_in(&at("/no-show"), vec![post(web::post().to(sessions::no_show::no_show))]))
    .service(signed_in(
        &at("/recording/withdraw"),
        vec![post(web::post().to(sessions::withdraw_recording::withdraw_recording))],
    ))
    .service(signed_in_slowly(&at("/ai/transcribe"), vec![post(web::post().to(ai::transcribe::transcribe))]))
    .service(signed_in_slowly(&at("/ai/summary"), vec![post(web::post().to(ai::summary::summary))]))
    .service(signed_in(&at("/ai/accept-summary"), vec![post(web::post().to(ai::accept_summary::accept_summary))]))
    .service(signed_in_with(
        &at("/continue-async"),
        LONGEST_TEXT,
        vec![post(web::post().to(async_visits::continue_async::continue_async))],
    ))
    .service(signed_in_with(
        &to("/async-visits"),
        LONGEST_TEXT,
        vec![get(web::route().to(async_visits::list::list)), post(web::post().to(async_visits::submit::submit))],
    ))
    .service(signed_in_with(
        &to("/async-visits/sync"),
        LONGEST_SYNC,
        vec![post(web::post().to(async_visits::sync::sync))],
    ))
    .service(resumable(&to("/async-visits/uploads"), vec![abilities(), post(web::post().to(uploads::create::create))]))
    .service(resumable(
        &to("/async-visits/uploads/{uploadId}"),
        vec![
            abilities(),
            head(web::head().to(uploads::read::read)),
            patch(web::patch().to(uploads::append::append)),
            post(web::post().to(uploads::append::instead)),
            delete(web::delete().to(uploads::discard::discard)),
        ],
    ))
    .service(signed_in(
        &to("/async-visits/{asyncVisitId}/attachments"),
        vec![get(web::route().to(uploads::list::list))],
    ))
    .service(resource(
        &to("/async-visits/attachments/{uploadId}"),
        vec![get(web::route().to(uploads::open::open)), head(web::head().to(uploads::open::describe))],
    ))
    .service(signed_in(&to("/async-visits/{asyncVisitId}"), vec![get(web::route().to(async_visits::read::read))]))
    .service(signed_in(
        &to("/async-visits/{asyncVisitId}/claim"),
        vec![post(web::post().to(async_visits::claim::claim))],
    ))
    .service(signed_in(
        &to("/async-visits/{asyncVisitId}/release"),
        vec![post(web::post().to(async_visits::release::release))],
    ))
    .service(signed_in_with(
        &to("/async-visits/{asyncVisitId}/respond"),
        LONGEST_TEXT,
        vec![post(web::post().to(async_visits::respond::respond))],
    ))
    .service(signed_in_with(
        &to("/async-visits/{asyncVisitId}/addendum"),
        LONGEST_TEXT,
        vec![post(web::post().to(async_visits::addendum::addendum))],
    ))
    .service(signed_in(
        &to("/async-visits/{asyncVisitId}/close"),
        vec![post(web::post().to(async_visits::close::close))],
    ))
    .service(signed_in(
        &to("/config"),
        vec![
            get(web::route().to(config::read::read)),
            put(web::put().to(config::write::write)),
            patch(web::patch().to(config::patch::patch)),
        ],
    ))
    .service(signed_in(
        &to("/config/test-connection"),
        vec![post(web::post().to(config::test_connection::test_connection))],
    ))
    .service(inside("/internal/jitsi/conference", vec![post(web::post().to(internal::conference::reserve))]))
    .service(inside(
        "/internal/jitsi/conference/{conferenceId}",
        vec![get(web::route().to(internal::conference::read)), delete(web::delete().to(internal::conference::closed))],
    ))
    .service(inside(
        "/internal/jitsi/events/occupant/joined",
        vec![post(web::post().to(internal::presence::occupant_joined))],
    ))
    .service(inside(
        "/internal/jitsi/events/occupant/left",
        vec![post(web::post().to(internal::presence::occupant_left))],
    ))
    .service(inside(
        "/internal/jitsi/events/room/created",
        vec![post(web::post().to(internal::presence::room_created))],
    ))
    .service(inside(
        "/internal/jitsi/events/room/destroyed",
        vec![post(web::post().to(internal::presence::room_destroyed))],
    ))
    .service(inside("/internal/jibri/recordings", vec![post(web::post().to(internal::recordings::finished))]))
    .service(resource("/branding", vec![get(web::route().to(branding::branding))]))
    .service(signed_in(&to("/reconciliation"), vec![get(web::route().to(reconciliation::reconciliation))]))
    .service(resource(&to("/problems"), vec![get(web::route().to(problems::index))]))
    .service(resource(&to("/problems/{code}"), vec![get(web::route().to(problems::read))]))
    .service(resource("/health", vec![get(web::route().to(operations::health))]))
    .service(resource("/health/live", vec![get(web::route().to(operations::live))]))
    .service(resource("/health/ready", vec![get(web::route().to(operations::ready))]))
    .service(resource("/metrics", vec![get(web::route().to(operations::metrics))]))
    .service(resource("/visit", vec![get(web::route().to(visit_page::page))]))
    .service(resource("/v", vec![get(web::route().to(visit_page::page))]))
    .service(resource(
        "/visit/probe",
        vec![get(web::route().to(visit_page::send)), post(web::post().to(visit_page::receive))],
    ))
    .service(web::redirect("/docs", "/docs/"))
    .service(
        SwaggerUi::new("/docs/{_:.*}")
            .url("/openapi.json", openapi::document())
            .config(Config::new(["/openapi.json"]).persist_authorization(true).try_it_out_enabled(true)),
    )
    .default_service(web::to(|| async { Problem::nothing_here().response() }));
}
