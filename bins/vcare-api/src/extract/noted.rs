//! Invalid parameters and headers, which are told together, and together with what is invalid in the body.
//!
//! A handler's extractors are all begun before the first of them is awaited. One that finds something invalid notes it, and never
//! hands out a value: the request is refused with all notes, at once where the handler takes no body, else by [`Body`] when that was
//! read. A handler is called only when every one of its extractors has a value, so nothing is acted on that was not checked.
//!
//! [`Body`]: super::Body

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::{HttpMessage, HttpRequest};

use crate::problem::{FieldError, Problem};

#[derive(Default)]
struct Notes {
    invalid: Vec<FieldError>,
    /// A body is read, and its extractor tells what was noted.
    body_follows: bool,
}

/// What an extractor found in parameters or headers.
pub struct Noted<T>(Found<T>);

enum Found<T> {
    Value(Option<Result<T, Problem>>),
    Invalid(HttpRequest),
}

impl<T> Unpin for Noted<T> {}

/// Hands out what was found, or notes what is invalid.
pub fn noted<T>(req: &HttpRequest, found: Result<T, Problem>) -> Noted<T> {
    let problem = match found {
        Ok(value) => return Noted(Found::Value(Some(Ok(value)))),
        Err(problem) => problem,
    };
    match problem.into_invalid() {
        Ok(invalid) => {
            with(req, |notes| notes.invalid.extend(invalid));
            Noted(Found::Invalid(req.clone()))
        }
        Err(problem) => Noted(Found::Value(Some(Err(problem)))),
    }
}

/// Says that a body is read, and that whoever reads it asks for [`invalid`] afterwards.
pub fn body_follows(req: &HttpRequest) {
    with(req, |notes| notes.body_follows = true);
}

/// What was noted so far.
pub fn invalid(req: &HttpRequest) -> Vec<FieldError> {
    with(req, |notes| std::mem::take(&mut notes.invalid))
}

fn with<T>(req: &HttpRequest, look: impl FnOnce(&mut Notes) -> T) -> T {
    let mut extensions = req.extensions_mut();
    if !extensions.contains::<Notes>() {
        extensions.insert(Notes::default());
    }
    // It has just been put there.
    let mut none = Notes::default();
    look(extensions.get_mut::<Notes>().unwrap_or(&mut none))
}

impl<T> Future for Noted<T> {
    type Output = Result<T, Problem>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Found::Value(value) => Poll::Ready(value.take().unwrap_or_else(|| Err(Problem::internal()))),
            // The body's extractor is polled by the same task, and refuses the request.
            Found::Invalid(req) if with(req, |notes| notes.body_follows) => Poll::Pending,
            Found::Invalid(req) => Poll::Ready(Err(Problem::invalid(invalid(req)))),
        }
    }
}
