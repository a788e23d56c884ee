//! How often something may be asked: `RateLimit` and `RateLimit-Policy`
//! ([draft-ietf-httpapi-ratelimit-headers](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/)).

use super::Problem;

/// A policy: so much within so many seconds, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// What is limited.
    pub name: &'static str,
    /// How much is allowed.
    pub most: u32,
    /// Within how many seconds.
    pub window: u32,
}

impl Quota {
    pub(super) fn policy(self) -> String {
        format!("\"{}\";q={};w={}", self.name, self.most, self.window)
    }

    /// That nothing is left of it, and after how many seconds there is something again, where that is known.
    pub(super) fn used_up(self, reset: Option<u32>) -> String {
        let reset = reset.map(|seconds| format!(";t={seconds}")).unwrap_or_default();
        format!("\"{}\";r=0{reset}", self.name)
    }
}

impl Problem {
    /// Nothing is left of a quota, for so many seconds where that is known.
    #[must_use]
    pub(super) fn used_up(mut self, quota: Quota, reset: Option<u32>) -> Self {
        self.0.quota = Some((quota, reset));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_told_as_structured_fields() {
        let quota = Quota { name: "short-codes", most: 10, window: 60 };
        assert_eq!(quota.policy(), "\"short-codes\";q=10;w=60");
        assert_eq!(quota.used_up(Some(7)), "\"short-codes\";r=0;t=7");
        assert_eq!(quota.used_up(None), "\"short-codes\";r=0");
    }
}
