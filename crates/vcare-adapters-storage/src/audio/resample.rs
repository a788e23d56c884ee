//! From whatever rate a phone records at to one that Opus has.

use std::f64::consts::PI;

/// Zeros of the filter on each side of its middle: enough that what it leaves over of the wrong tones is not heard.
const CROSSINGS: f64 = 16.0;
/// The most places between two samples that are distinguished. All usual rates need fewer.
const MOST_PHASES: u64 = 1024;

/// A stream of samples at another rate. Holds some dozens of samples, however many go through.
pub(super) struct Resampler {
    from: u64,
    to: u64,
    phases: u64,
    /// Samples on each side of the place that is asked for.
    half: u64,
    /// One filter for each phase, `2 * half` factors long.
    filters: Vec<Vec<f32>>,
    /// Samples that are still needed; the first of them is sample `first - half` of what came in.
    held: Vec<f32>,
    first: u64,
    came: u64,
    made: u64,
}

const fn common_divisor(one: u64, other: u64) -> u64 {
    if other == 0 { one } else { common_divisor(other, one % other) }
}

/// The factors for a place that lies `fraction` of a sample behind the middle: a sinc under a Blackman window.
fn filter(half: u64, cutoff: f64, fraction: f64) -> Vec<f32> {
    let middle = (half - 1) as f64 + fraction;
    let factor = |tap: u64| {
        let away = tap as f64 - middle;
        let turn = PI * away / half as f64;
        let window = 0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
        let angle = PI * cutoff * away;
        if angle.abs() < 1e-9 { window } else { window * angle.sin() / angle }
    };
    let factors: Vec<f64> = (0..2 * half).map(factor).collect();
    let sum: f64 = factors.iter().sum();
    factors.into_iter().map(|factor| (factor / sum) as f32).collect()
}

impl Resampler {
    /// Between two rates, neither of them 0.
    pub(super) fn new(from: u32, to: u32) -> Self {
        let (from, to) = (u64::from(from.max(1)), u64::from(to.max(1)));
        let phases = (to / common_divisor(to, from)).min(MOST_PHASES);
        // Towards a lower rate, what is above its half must go.
        let ratio = (to as f64 / from as f64).min(1.0);
        let half = (CROSSINGS / ratio).ceil() as u64;
        let filters = (0..phases).map(|phase| filter(half, ratio * 0.96, phase as f64 / phases as f64)).collect();
        // Before the first sample there is silence.
        let held = vec![0.0; usize::try_from(half).unwrap_or_default()];
        Self { from, to, phases, half, filters, held, first: 0, came: 0, made: 0 }
    }

    /// Takes samples in, and appends those that they make.
    pub(super) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        self.came = self.came.saturating_add(samples.len() as u64);
        if self.from == self.to {
            out.extend_from_slice(samples);
            self.made = self.came;
            return;
        }
        self.held.extend_from_slice(samples);
        self.make(u64::MAX, out);
    }

    /// Appends what is still to come, up to as long as what came in.
    pub(super) fn finish(&mut self, out: &mut Vec<f32>) {
        let total = self.came.saturating_mul(self.to).div_ceil(self.from);
        self.held.resize(self.held.len() + usize::try_from(2 * self.half).unwrap_or_default(), 0.0);
        self.make(total, out);
    }

    /// How many samples it has made.
    pub(super) const fn made(&self) -> u64 {
        self.made
    }

    fn make(&mut self, up_to: u64, out: &mut Vec<f32>) {
        while self.made < up_to {
            let place = self.made.saturating_mul(self.from);
            let (whole, fraction) = (place / self.to, place % self.to);
            let filter = self.filters.get(usize::try_from(fraction * self.phases / self.to).unwrap_or_default());
            let from = usize::try_from(whole - self.first + 1).unwrap_or(usize::MAX);
            let Some((filter, samples)) = filter.zip(self.held.get(from..from.saturating_add(2 * self.half as usize)))
            else {
                break;
            };
            out.push(filter.iter().zip(samples).map(|(factor, sample)| factor * sample).sum());
            self.made += 1;
        }
        let behind = self.made.saturating_mul(self.from) / self.to;
        let spent = usize::try_from(behind - self.first).unwrap_or_default().min(self.held.len());
        self.held.drain(..spent);
        self.first += spent as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Resampler;

    fn tone(rate: u32, hertz: f32, seconds: u32) -> Vec<f32> {
        let turn = std::f32::consts::TAU * hertz / rate as f32;
        (0..rate * seconds).map(|at| (turn * at as f32).sin()).collect()
    }

    /// In pieces of uneven length, as decoders give them.
    fn through(from: u32, to: u32, samples: &[f32]) -> Vec<f32> {
        let mut resampler = Resampler::new(from, to);
        let mut out = Vec::new();
        samples.chunks(173).for_each(|piece| resampler.push(piece, &mut out));
        resampler.finish(&mut out);
        assert_eq!(resampler.made(), out.len() as u64);
        out
    }

    #[test]
    fn a_tone_at_another_rate_is_the_same_tone_for_the_same_time() {
        for (from, to) in [(11_025, 12_000), (22_050, 24_000), (44_100, 48_000), (96_000, 48_000), (8_012, 12_000)] {
            let out = through(from, to, &tone(from, 440.0, 1));
            assert_eq!(out.len(), to as usize, "{from}");
            let middle = 1_000..out.len() - 1_000;
            let expected = tone(to, 440.0, 1);
            let worst = out[middle.clone()].iter().zip(&expected[middle]).map(|(one, two)| (one - two).abs());
            assert!(worst.fold(0.0, f32::max) < 0.01, "{from}");
        }
    }

    #[test]
    fn what_is_too_high_for_the_new_rate_is_left_out_and_not_folded_down() {
        let out = through(96_000, 48_000, &tone(96_000, 30_000.0, 1));
        assert!(out[1_000..47_000].iter().all(|sample| sample.abs() < 0.01));
    }

    #[test]
    fn the_same_rate_changes_nothing() {
        let samples = tone(16_000, 440.0, 1);
        assert_eq!(through(16_000, 16_000, &samples), samples);
    }
}
