//! From pixels to waves: the cosine transform of a block, after Arai, Agui and Nakajima.

use super::quality::ZIGZAG;

/// What the transform leaves to be divided by, for each row and column.
const LEFT_OVER: [f32; 8] = [1.0, 1.387_039_9, 1.306_563, 1.175_875_6, 1.0, 0.785_694_96, 0.541_196_1, 0.275_899_38];

/// What each wave is multiplied with so that it is as fine as the table says.
pub(super) fn factors(table: &[u16; 64]) -> [f32; 64] {
    std::array::from_fn(|at| 1.0 / (f32::from(table[at]) * LEFT_OVER[at / 8] * LEFT_OVER[at % 8] * 8.0))
}

/// The waves of a block in the order in which they are written, rounded.
pub(super) fn waves(block: &mut [f32; 64], factors: &[f32; 64]) -> [i16; 64] {
    for row in block.chunks_exact_mut(8) {
        let mut line: [f32; 8] = std::array::from_fn(|at| row[at]);
        transform(&mut line);
        row.copy_from_slice(&line);
    }
    for column in 0..8 {
        let mut line: [f32; 8] = std::array::from_fn(|at| block[at * 8 + column]);
        transform(&mut line);
        for (at, value) in line.into_iter().enumerate() {
            block[at * 8 + column] = value;
        }
    }
    ZIGZAG.map(|at| {
        let wave = block[at] * factors[at];
        // `round` is a call of a function on processors that are old enough.
        (wave + 0.5_f32.copysign(wave)) as i16
    })
}

#[inline]
fn transform(line: &mut [f32; 8]) {
    let [a, b, c, d, e, f, g, h] = *line;
    let (sum0, sum1, sum2, sum3) = (a + h, b + g, c + f, d + e);
    let (less0, less1, less2, less3) = (a - h, b - g, c - f, d - e);

    let (even0, even1, even2, even3) = (sum0 + sum3, sum1 + sum2, sum1 - sum2, sum0 - sum3);
    let turned = (even2 + even3) * std::f32::consts::FRAC_1_SQRT_2;
    line[0] = even0 + even1;
    line[4] = even0 - even1;
    line[2] = even3 + turned;
    line[6] = even3 - turned;

    let (odd0, odd1, odd2) = (less3 + less2, less2 + less1, less1 + less0);
    let both = (odd0 - odd2) * 0.382_683_43;
    let low = odd0 * 0.541_196_1 + both;
    let high = odd2 * 1.306_563 + both;
    let middle = odd1 * std::f32::consts::FRAC_1_SQRT_2;
    let (with, without) = (less0 + middle, less0 - middle);
    line[5] = without + low;
    line[3] = without - low;
    line[1] = with + high;
    line[7] = with - high;
}
