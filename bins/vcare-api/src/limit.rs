//! How often something may fail: from one address, and in all.

mod failures;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use anyhow::Context;
use vcare_app::{AppError, JoinTokenFault};
use vcare_boot::LinksConfig;

use self::failures::{Allowance, Count, Counts};
use crate::problem::{Problem, Quota};

/// Limits how often short codes may be asked about that there are not. Each process counts for itself.
///
/// An address that failed too often is refused only while too much fails in all. Behind a gateway, or in a mobile network, it
/// may be the address of many: whoever tries codes there must not keep out those who have one.
pub struct Limit {
    counted: Mutex<Counted>,
    in_all: Allowance,
    /// What one address is told of its own limit.
    quota: Quota,
    header: Option<HeaderName>,
}

struct Counted {
    each: Counts,
    all: Count,
}

impl Limit {
    /// The limits of short codes. `header` is where the gateway in front tells a client's address.
    ///
    /// # Errors
    /// When a limit is 0, or the header's name is none.
    pub fn new(links: &LinksConfig, header: Option<&str>) -> anyhow::Result<Self> {
        let (minute, second) = (Duration::from_secs(60), Duration::from_secs(1));
        let each = Allowance::new(links.short_codes_per_minute, minute).context("links.short_codes_per_minute")?;
        let in_all = Allowance::new(links.short_codes_per_second, second).context("links.short_codes_per_second")?;
        Ok(Self {
            counted: Mutex::new(Counted { each: Counts::new(each), all: Count::new(Instant::now()) }),
            in_all,
            quota: Quota { name: "short-codes", most: links.short_codes_per_minute, window: 60 },
            header: header.map(str::parse).transpose().context("api.client_address_header")?,
        })
    }

    /// Lets a request look for what a short code stands for, and counts it when there is no such code.
    ///
    /// # Errors
    /// 429 `RATE_LIMITED` with `Retry-After`; those of `look`.
    pub async fn ask<T>(
        &self,
        req: &HttpRequest,
        look: impl Future<Output = Result<T, AppError>>,
    ) -> Result<T, Problem> {
        let address = network(self.address(req));
        self.begin(address, Instant::now())?;
        let found = look.await;
        if matches!(found, Err(AppError::JoinToken(JoinTokenFault::Invalid))) {
            metrics::counter!("vcare_short_codes_unknown_total").increment(1);
        } else {
            self.take_back(address);
        }
        Ok(found?)
    }

    /// Counts a failure beforehand: so many that are looked for at the same time are as limited as one after the other. Who
    /// does not wait for the answer has failed.
    fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Problem> {
        let mut counted = self.counted();
        let wait = counted.each.wait(address, now).min(counted.all.wait(self.in_all, now));
        if !wait.is_zero() {
            metrics::counter!("vcare_rate_limited_total", "limit" => "short_codes").increment(1);
            let seconds = (wait + Duration::from_millis(999)).as_secs();
            return Err(Problem::too_often(self.quota, u32::try_from(seconds).unwrap_or(u32::MAX).max(1)));
        }
        counted.each.add(address, now);
        counted.all.add(self.in_all, now);
        Ok(())
    }

    fn take_back(&self, address: IpAddr) {
        let mut counted = self.counted();
        counted.each.take_back(address);
        counted.all.take_back(self.in_all);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Asks so often from an address about codes that there are not; how often it was let.
    fn junk(limit: &Limit, address: &str, times: usize, now: Instant) -> usize {
        (0..times).filter(|_| limit.begin(network(address.parse().unwrap()), now).is_ok()).count()
    }

    #[test]
    fn who_fails_too_often_is_refused_while_too_much_fails_in_all_and_who_does_not_is_let() {
        let (limit, now) = (limit(None, 2, 5), Instant::now());
        assert_eq!(junk(&limit, "10.0.0.1", 100, now), 5, "its own two, and what is left in all");
        // Others have not failed yet.
        assert_eq!(junk(&limit, "10.0.0.2", 100, now), 2);
        // The same network of version 6.
        assert_eq!(junk(&limit, "2001:db8::1", 1, now) + junk(&limit, "2001:db8::2", 100, now), 2);
        let problem = limit.begin("10.0.0.1".parse().unwrap(), now).unwrap_err();
        assert_eq!(problem.code(), "RATE_LIMITED");
        let later = now + Duration::from_millis(200);
        assert_eq!(junk(&limit, "10.0.0.1", 100, later), 1, "a fifth of a second later one more may fail");
    }

    #[test]
    fn who_finds_what_they_look_for_is_not_counted() {
        let (limit, now) = (limit(None, 2, 2), Instant::now());
        let address = "10.0.0.1".parse().unwrap();
        for _ in 0..100 {
            limit.begin(address, now).unwrap();
            limit.take_back(address);
        }
        assert_eq!(junk(&limit, "10.0.0.1", 100, now), 2);
    }

    #[test]
    fn a_network_of_version_6_is_one_address() {
        let one: IpAddr = "2001:db8:1:2:3::4".parse().unwrap();
        let two: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert_eq!(network(one), network(two));
        assert_eq!(network("::ffff:1.2.3.4".parse().unwrap()), IpAddr::from([1, 2, 3, 4]));
    }
}
