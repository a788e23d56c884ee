//! What every path answers by its methods alone: HEAD where GET is, OPTIONS with the methods, and 405 for the rest.

use std::rc::Rc;

use actix_web::dev::{HttpServiceFactory, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ALLOW, HeaderMap,
};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, guard, web};

use crate::problem::Problem;

/// For how many seconds a browser keeps what a preflight was answered.
const PREFLIGHT_SECONDS: u32 = 600;

/// Whether pages of other origins are answered for; else a gateway does that.
#[derive(Debug, Clone, Copy)]
pub struct CrossOrigin(pub bool);

/// The methods of one path.
#[derive(Debug, Clone)]
pub(super) struct Methods {
    routed: Rc<str>,
    head_is_get: bool,
    options: bool,
}

impl Methods {
    /// Those of these routes, and HEAD where GET is.
    pub fn of(routes: &[(Method, Route)]) -> Self {
        Self::exactly(routes).with_head()
    }

    /// Those of these routes alone: a GET that changes something, or waits, is not what somebody means who asks with HEAD.
    pub fn exactly(routes: &[(Method, Route)]) -> Self {
        let names: Vec<&str> = routes.iter().map(|(method, _)| method.as_str()).collect();
        Self { routed: names.join(", ").into(), head_is_get: false, options: names.contains(&"OPTIONS") }
    }

    fn with_head(self) -> Self {
        let has = |name| self.routed.split(", ").any(|routed| routed == name);
        if !has("GET") || has("HEAD") {
            return self;
        }
        let routed =
            self.routed.split(", ").flat_map(|name| if name == "GET" { vec![name, "HEAD"] } else { vec![name] });
        Self { routed: routed.collect::<Vec<_>>().join(", ").into(), head_is_get: true, ..self }
    }

    /// And OPTIONS, which is answered to everybody.
    pub fn and_options(self) -> Self {
        Self { options: true, ..self }
    }

    /// As `Allow` tells them.
    fn allow(&self) -> String {
        let told = self.routed.split(", ").any(|routed| routed == "OPTIONS");
        if self.options && !told { format!("{}, OPTIONS", self.routed) } else { (*self.routed).to_owned() }
    }

    /// Writes them into the answer to OPTIONS and, for a page of another origin, what it may send.
    pub fn tell(&self, req: &HttpRequest, headers: &mut HeaderMap) {
        if let Ok(allow) = self.allow().parse() {
            headers.insert(ALLOW, allow);
        }
        let answers = req.app_data::<CrossOrigin>().is_some_and(|origins| origins.0);
        if !answers || !req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return;
        }
        if let Ok(routed) = self.routed.parse() {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, routed);
        }
        // Any header may be sent: those that are not known are not looked at.
        if let Some(wanted) = req.headers().get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, PREFLIGHT_SECONDS.into());
    }
}

/// A path with its routes. Another method is 405 with `Allow`, as problem+json.
pub(super) fn routed(path: &str, methods: &Methods, routes: Vec<(Method, Route)>) -> Resource {
    let mut resource = web::resource(path);
    for (method, route) in routes {
        let also_head = methods.head_is_get && method == Method::GET;
        resource = resource.route(route.guard(guard::fn_guard(move |asked| {
            let asked = &asked.head().method;
            *asked == method || also_head && *asked == Method::HEAD
        })));
    }
    let allow = methods.allow();
    resource.default_service(web::to(move || {
        let problem = Problem::method_not_allowed(allow.clone());
        async move { problem.response() }
    }))
}

/// OPTIONS of a path: its methods. Needs no token, as a browser's preflight has none.
pub(super) fn options(path: &str, methods: Methods) -> impl HttpServiceFactory + 'static {
    web::resource(path).guard(guard::Options()).to(move |req: HttpRequest| {
        let mut response = HttpResponse::NoContent().finish();
        methods.tell(&req, response.headers_mut());
        async move { response }
    })
}

/// Reads with GET what others serve and HEAD is asked of: the server sends no body for HEAD whoever answers.
pub fn head_of_documents(req: &mut ServiceRequest) {
    let document = req.path() == "/openapi.json" || req.path() == "/docs" || req.path().starts_with("/docs/");
    if document && req.method() == Method::HEAD {
        req.head_mut().method = Method::GET;
    }
}
