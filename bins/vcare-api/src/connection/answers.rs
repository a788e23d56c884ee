//! Knowing when an answer is whole.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Bytes;

use super::Connection;

/// An answer that tells its connection when there is nothing more of it.
pub struct Watched {
    body: BoxBody,
    connection: Option<Rc<Connection>>,
}

impl MessageBody for Watched {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(connection) = &self.connection {
            connection.answered();
        }
    }
}

/// Goes around everything else that answers, compression included.
///
/// # Errors
/// None of its own.
pub async fn watch_answers<B: MessageBody + 'static>(
    req: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<Watched>, actix_web::Error> {
    let connection = req.conn_data::<Rc<Connection>>().cloned();
    let answered = next.call(req).await?.map_into_boxed_body();
    Ok(answered.map_body(|_, body| Watched { body, connection }))
}
