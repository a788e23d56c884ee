//! Which addresses may be called. A tenant's URL is a door into our own network: its name is looked up again at every
//! connection, so the check is made on what the name stands for then, and on what is connected to.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Whether the machine itself and private networks may: for our own neighbours, and for deployments whose tenants'
    /// video is inside. Addresses that no server has (multicast, unspecified) and link-local ones, where clouds keep
    /// their machines' credentials, are refused all the same.
    pub allow_private: bool,
}

impl AddressPolicy {
    /// Public addresses only: for what a tenant may set.
    pub const PUBLIC: Self = Self { allow_private: false };
    /// Our own network too.
    pub const PRIVATE: Self = Self { allow_private: true };

    /// Whether an address may be called.
    #[must_use]
    pub fn permits(self, address: IpAddr) -> bool {
        // `::ffff:10.0.0.1` is 10.0.0.1 to the kernel; whoever writes it so to get past a check is no public server.
        let disguised = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        match address.to_canonical() {
            address if never(address) => false,
            _ if self.allow_private => true,
            IpAddr::V4(address) => !disguised && is_public_v4(address),
            IpAddr::V6(address) => is_public_v6(address),
        }
    }

    /// Whether a URL may be called as far as it can be told without looking its name up.
    pub(super) fn permits_host_of(self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(address)) => self.permits(address.into()),
            Some(Host::Ipv6(address)) => self.permits(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }
}

fn never(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            v4.octets()[0] == 0 || v4.is_link_local() || v4.octets()[0] >= 224 // multicast, reserved, broadcast
        }
        IpAddr::V6(v6) => v6.is_unspecified() || v6.is_multicast() || v6.is_unicast_link_local(),
    }
}

/// All but the special-purpose registry of RFC 6890 and its followers.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let shared = |[a, b, ..]: [u8; 4]| a == 100 && (64..=127).contains(&b);
    let benchmark = |[a, b, ..]: [u8; 4]| a == 198 && (18..=19).contains(&b);
    let protocols = |[a, b, c, _]: [u8; 4]| (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let octets = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_documentation()
        || shared(octets)
        || benchmark(octets)
        || protocols(octets))
}

/// Only global unicast, `2000::/3`, and of it not what carries an IPv4 address inside (6to4, Teredo) or is set apart. The
/// prefixes of NAT64 (`64:ff9b::/96`, `64:ff9b:1::/48`), loopback and unique local addresses lie outside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xE000 == 0x2000;
    let set_apart = match first {
        0x2001 => second < 0x200 || second == 0xDB8,
        0x2002 => true,
        0x3FFF => second < 0x1000,
        _ => false,
    };
    global && !set_apart
}

/// The address is not one we may call.
#[derive(Debug, thiserror::Error)]
#[error("the address is not one we may call")]
pub(super) struct ForbiddenAddress;

/// The system's resolver behind the policy. Whatever it answers is what is connected to: there is no second look-up in
/// between.
pub(super) struct PolicyResolver(pub AddressPolicy);

impl Resolve for PolicyResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let permitted: Vec<SocketAddr> =
                found.iter().copied().filter(|address| policy.permits(address.ip())).collect();
            if permitted.is_empty() && !found.is_empty() {
                return Err(Box::new(ForbiddenAddress) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass_the_public_policy() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::7f00:1",
            "64:ff9b::7f00:1",
            "64:ff9b::808:808",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:10::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(!AddressPolicy::PUBLIC.permits(address.parse().unwrap()), "{address}");
        }
        for address in ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2606:4700::1111"] {
            assert!(AddressPolicy::PUBLIC.permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn the_private_policy_still_refuses_link_local_and_what_is_no_host() {
        for address in ["127.0.0.1", "10.0.0.1", "100.64.0.1", "::1", "fd00::1", "::ffff:10.0.0.1", "1.1.1.1"] {
            assert!(AddressPolicy::PRIVATE.permits(address.parse().unwrap()), "{address}");
        }
        for address in ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1"]
        {
            assert!(!AddressPolicy::PRIVATE.permits(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_the_address() {
        for host in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "[::1]", "[::ffff:1.1.1.1]", "[::]"]
        {
            let url = Url::parse(&format!("https://{host}/")).unwrap();
            assert!(!AddressPolicy::PUBLIC.permits_host_of(&url), "{host}");
        }
        assert!(AddressPolicy::PUBLIC.permits_host_of(&Url::parse("https://1.1.1.1/").unwrap()));
        assert!(!AddressPolicy::PRIVATE.permits_host_of(&Url::parse("data:text/plain,x").unwrap()));
    }
}
