//! Knowing when a response is whole.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use super::Connection;

/// A response that tells its connection when there is nothing more of it.
pub struct Watched<T> {
    body: BoxBody,
    connection: Option<Rc<Connection<T>>>,
}

impl<T> MessageBody for Watched<T> {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl<T> Drop for Watched<T> {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.responded();
        }
    }
}

/// Goes around everything else that answers, compression included.
///
/// # Errors
/// None of its own.
pub async fn watch_responses<T: 'static, B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Watched<T>>, actix_web::Error> {
    let connection = req.conn_data::<Rc<Connection<T>>>().cloned();
    let answered = next.call(req).await?.map_into_boxed_body();
    Ok(answered.map_body(|_, body| Watched { body, connection }))
}
