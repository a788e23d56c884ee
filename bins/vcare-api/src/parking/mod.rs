//! Parked connections: those that keep nothing but themselves while somebody waits, with a long poll open on them or between
//! two.
//!
//! actix-http keeps two buffers of 8 kB for each connection, and what it runs for the request. Ten thousand wait at once; so a
//! connection on which nothing but one long poll is going on is parked: its dispatcher is dropped, and what was read of the
//! request is kept. When there is a reason to go on (news, the time is up, the process ends, the client sends more), a new
//! dispatcher reads the same bytes again, and the handler goes on with what it was waiting for instead of starting again.
//! Between two long polls the connection is parked until the next request comes.
//!
//! Nothing that was promised to the client may depend on what is thrown away. A connection is therefore parked only when what
//! was read since the last response is the head of this one request, byte for byte, and all responses before it are written;
//! or when it is nothing, after the whole response to such a request that had no body.
//!
//! The interface is narrow. [`serve`] serves a connection, with parking switched on or off; [`watch_responses`] goes around
//! what answers; and a handler says that its request [is a long poll](Connection::is_long_poll), [waits](Connection::wait) on
//! its connection, and [resumes](Connection::resume). What it waits for (`T`) is its own matter. Requests that are no long
//! poll, `/health` among them, are never parked, and are answered the same with parking and without.
//!
//! Who closes their side of a connection while a long poll waits on it has gone, with parking and without: it ends at once,
//! and nobody keeps a place for them.

mod connection;
mod head;
mod responses;
mod serve;
mod stream;

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;

pub use connection::Connection;
pub use responses::watch_responses;
pub use serve::serve;
pub use stream::Stream;
