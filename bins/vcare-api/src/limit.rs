//! How often something may be asked: from one address, and in all.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use anyhow::Context;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, NotUntil, Quota, RateLimiter};
use vcare_boot::LinksConfig;

use crate::problem::Problem;

/// So many addresses are remembered before those that have been quiet are forgotten.
const MANY_ADDRESSES: usize = 10_000;

/// Limits by address and in all. Each process counts for itself.
pub struct Limit {
    each: DefaultKeyedRateLimiter<IpAddr>,
    all: DefaultDirectRateLimiter,
    clock: DefaultClock,
    header: Option<HeaderName>,
}

impl Limit {
    /// The limits of short codes. `header` is where the gateway in front tells a client's address.
    ///
    /// # Errors
    /// When a limit is 0, or the header's name is none.
    pub fn new(links: &LinksConfig, header: Option<&str>) -> anyhow::Result<Self> {
        let each = NonZeroU32::new(links.short_codes_per_minute).context("links.short_codes_per_minute")?;
        let all = NonZeroU32::new(links.short_codes_per_second).context("links.short_codes_per_second")?;
        Ok(Self {
            each: RateLimiter::keyed(Quota::per_minute(each)),
            all: RateLimiter::direct(Quota::per_second(all)),
            clock: DefaultClock::default(),
            header: header.map(str::parse).transpose().context("api.client_address_header")?,
        })
    }

    /// Lets a request pass, or says when to come again.
    ///
    /// # Errors
    /// 429 `RATE_LIMITED` with `Retry-After`.
    pub fn check(&self, req: &HttpRequest) -> Result<(), Problem> {
        if self.each.len() > MANY_ADDRESSES {
            self.each.retain_recent();
        }
        let address = network(self.address(req));
        self.each.check_key(&address).map_err(|until| self.refused("address", &until))?;
        self.all.check().map_err(|until| self.refused("all", &until))
    }

    fn refused(&self, limit: &'static str, until: &NotUntil<<DefaultClock as Clock>::Instant>) -> Problem {
        metrics::counter!("vcare_rate_limited_total", "limit" => limit).increment(1);
        let wait = until.wait_time_from(self.clock.now()) + Duration::from_millis(999);
        Problem::too_often(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1))
    }

    /// Where a request comes from. Of several addresses the last one counts: the gateway wrote it, the others the client.
    fn address(&self, req: &HttpRequest) -> IpAddr {
        let told = self.header.as_ref().and_then(|name| req.headers().get_all(name).last()?.to_str().ok());
        let told = told.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        let peer = || req.peer_addr().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
        told.unwrap_or_else(peer)
    }
}

/// Who has one address of version 6 has a whole network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        version_4 => version_4,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn limit(header: Option<&str>, each: u32, all: u32) -> Limit {
        let links = LinksConfig {
            public_base_url: "https://care.example".to_owned(),
            join_token_grace_minutes: 60,
            video_token_grace_minutes: 60,
            short_codes_per_minute: each,
            short_codes_per_second: all,
        };
        Limit::new(&links, header).unwrap()
    }

    fn from(peer: &str, told: &[&str]) -> HttpRequest {
        let mut request = TestRequest::default().peer_addr(peer.parse().unwrap());
        for line in told {
            request = request.append_header(("X-Forwarded-For", *line));
        }
        request.to_http_request()
    }

    #[test]
    fn the_last_address_that_the_gateway_told_counts_and_without_a_header_the_peers() {
        let address = |header, told: &[&str]| limit(header, 1, 1).address(&from("10.0.0.1:5000", told)).to_string();
        assert_eq!(address(Some("x-forwarded-for"), &["1.2.3.4, 5.6.7.8"]), "5.6.7.8");
        assert_eq!(address(Some("x-forwarded-for"), &["1.2.3.4", "9.9.9.9"]), "9.9.9.9");
        assert_eq!(address(Some("x-forwarded-for"), &["nonsense"]), "10.0.0.1");
        assert_eq!(address(Some("x-forwarded-for"), &[]), "10.0.0.1");
        assert_eq!(address(None, &["1.2.3.4"]), "10.0.0.1", "nobody vouches for it");
    }

    #[test]
    fn one_address_is_stopped_and_another_passes_until_all_are_stopped() {
        let limit = limit(None, 2, 4);
        let check = |peer: &str| limit.check(&from(peer, &[])).map_err(|problem| problem.code());
        assert!(check("10.0.0.1:1").is_ok() && check("10.0.0.1:2").is_ok());
        assert_eq!(check("10.0.0.1:3"), Err("RATE_LIMITED"));
        assert!(check("10.0.0.2:1").is_ok());
        // The same network of version 6.
        assert!(check("[2001:db8::1]:1").is_ok());
        assert_eq!(check("10.0.0.3:1"), Err("RATE_LIMITED"));
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let one: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert_eq!(network(one), network(two));
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), IpAddr::from([1, 2, 3, 4]));
    }
}
