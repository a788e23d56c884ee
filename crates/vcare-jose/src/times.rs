//! When a token is valid.

use crate::fault::Fault;

/// Checks a token's times against a given `now`; all in Unix seconds. `leeway` is how far two clocks may differ, and
/// widens both ends. A token is over *at* `exp`, not after it.
///
/// # Errors
/// [`Fault::Expired`] or [`Fault::NotYetValid`].
pub const fn check_times(exp: i64, nbf: Option<i64>, now: i64, leeway: u32) -> Result<(), Fault> {
    let leeway = leeway as i64;
    if now.saturating_sub(leeway) >= exp {
        return Err(Fault::Expired);
    }
    match nbf {
        Some(nbf) if now.saturating_add(leeway) < nbf => Err(Fault::NotYetValid),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_borders_of_a_tokens_time_are_exact() {
        let table = [
            (100, None, 99, 0, Ok(())),
            (100, None, 100, 0, Err(Fault::Expired)),
            (100, None, 129, 30, Ok(())),
            (100, None, 130, 30, Err(Fault::Expired)),
            (100, Some(50), 50, 0, Ok(())),
            (100, Some(50), 49, 0, Err(Fault::NotYetValid)),
            (100, Some(50), 20, 30, Ok(())),
            (100, Some(50), 19, 30, Err(Fault::NotYetValid)),
            (i64::MAX, Some(i64::MIN), i64::MAX - 1, 0, Ok(())),
            (i64::MIN, None, i64::MIN, u32::MAX, Err(Fault::Expired)),
        ];
        for (exp, nbf, now, leeway, expected) in table {
            assert_eq!(check_times(exp, nbf, now, leeway), expected, "{exp} {nbf:?} {now} {leeway}");
        }
    }
}
