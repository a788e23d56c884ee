//! Where a span is: in which trace, and below which other.

use vcare_app::ports::Ids;

use crate::clock::SystemIds;

/// A span's place, as others are told of it (W3C Trace Context).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub trace: [u8; 16],
    pub span: [u8; 8],
    /// Whether whoever began the trace wants it kept.
    pub sampled: bool,
}

impl Place {
    /// Reads a `traceparent`, which was checked where it came in.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let mut parts = traceparent.split('-').skip(1);
        let (trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?);
        let [flags] = bytes::<1>(flags)?;
        Some(Self { trace: bytes(trace)?, span: bytes(span)?, sampled: flags & 1 == 1 })
    }

    /// The place of a span that says `own` and `parent` of itself and has `around` it; and the span that it is below.
    pub fn of(own: Option<Self>, parent: Option<Self>, around: Option<Self>, ids: &SystemIds) -> (Self, Option<Self>) {
        let above = |trace: Option<[u8; 16]>| {
            let same = |place: &Self| trace.is_none_or(|trace| trace == place.trace);
            around.filter(same).or_else(|| parent.filter(same))
        };
        if let Some(own) = own {
            return (own, above(Some(own.trace)));
        }
        let above = above(None);
        let mut span = [0; 8];
        ids.fill_random(&mut span);
        let mut trace = [0; 16];
        if above.is_none() {
            ids.fill_random(&mut trace);
        }
        let (trace, sampled) = above.map_or((trace, true), |above| (above.trace, above.sampled));
        (Self { trace, span, sampled }, above)
    }
}

fn bytes<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if hex.len() != 2 * N || !hex.is_ascii() {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(trace: u8, span: u8) -> Place {
        Place { trace: [trace; 16], span: [span; 8], sampled: true }
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let text = format!("00-{}-{}-01", "07".repeat(16), "0a".repeat(8));
        assert_eq!(Place::parse(&text), Some(place(7, 10)));
        assert!(!Place::parse(&text.replace("-01", "-00")).unwrap().sampled);
        for bad in ["", "00", "00-07-0a-01", &text.replace("0a", "xy"), &text.replace("-01", "")] {
            assert_eq!(Place::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_span_is_below_what_is_around_it_in_the_same_trace_and_else_below_what_it_names() {
        let ids = SystemIds::default();
        let (own, named, around) = (place(1, 1), place(1, 2), place(1, 3));
        assert_eq!(Place::of(Some(own), Some(named), Some(around), &ids), (own, Some(around)));
        assert_eq!(Place::of(Some(own), Some(named), Some(place(9, 3)), &ids), (own, Some(named)));
        assert_eq!(Place::of(Some(own), Some(place(8, 2)), Some(place(9, 3)), &ids), (own, None));
        let (drawn, above) = Place::of(None, Some(named), None, &ids);
        assert_eq!((drawn.trace, above), ([1; 16], Some(named)));
        assert_eq!(Place::of(None, Some(place(8, 2)), Some(around), &ids).1, Some(around));
        let (first, second) = (Place::of(None, None, None, &ids), Place::of(None, None, None, &ids));
        assert!(first.1.is_none() && first.0.trace != second.0.trace);
    }
}
