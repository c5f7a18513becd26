//! From the sums of one convolution to the bytes of the next: normalised to the style, bent by the snake function, and
//! quantised to the range that really occurs (ONNX `DynamicQuantizeLinear`).

use rayon::prelude::*;

use super::{
    signal::{BLOCK, Signal},
    wide::{LANES, fast},
};

/// Snake (Ziyin, Hartwig and Ueda 2020): `y + sin^2(alpha y) / alpha`, one alpha for each channel, after
/// `y = factor x + addend`. Its slope is never negative, so that the ends of a channel's range bend to the ends of what
/// comes out.
pub(super) struct Snake {
    factors: Vec<f32>,
    addends: Vec<f32>,
    /// alpha / pi: half turns of the sine.
    turns: Vec<f32>,
    /// 1 / alpha.
    heights: Vec<f32>,
}

impl Snake {
    pub(super) fn new(normalised: &[(f32, f32)], alphas: &[f32]) -> Self {
        let (factors, addends) = normalised.iter().copied().unzip();
        Self {
            factors,
            addends,
            turns: alphas.iter().map(|alpha| alpha / std::f32::consts::PI).collect(),
            heights: alphas.iter().map(|alpha| 1.0 / alpha).collect(),
        }
    }

    /// The bytes of the bent signal, with `reach` rows of zeros before and after it. `extremes` are the least and the
    /// greatest number of each channel of the signal.
    pub(super) fn quantise(
        &self,
        signal: &Signal,
        extremes: &[(f32, f32)],
        reach: usize,
        bytes: &mut Vec<u8>,
    ) -> Quantised {
        let (low, high) = self.range(extremes);
        let quantised = Quantised::over(low, high);
        let margin = reach * signal.channels;
        // All but the margins is written below.
        bytes.resize(signal.values.len() + 2 * margin, 0);
        let (before, rest) = bytes.split_at_mut(margin);
        let (inner, after) = rest.split_at_mut(signal.values.len());
        before.fill(quantised.zero_point);
        after.fill(quantised.zero_point);
        let size = BLOCK * signal.channels;
        inner
            .par_chunks_mut(size)
            .zip(signal.values.par_chunks(size))
            .for_each(|(bytes, values)| self.bytes(values, &quantised, bytes));
        quantised
    }

    fn range(&self, extremes: &[(f32, f32)]) -> (f32, f32) {
        let ends = extremes.iter().enumerate().flat_map(|(channel, &(least, greatest))| {
            [least, greatest].map(|value| {
                let y = value.mul_add(self.factors[channel], self.addends[channel]);
                bend(y, self.turns[channel], self.heights[channel])
            })
        });
        ends.fold((0.0, 0.0), |(low, high), bent| (low.min(bent), high.max(bent)))
    }

    fn bytes(&self, values: &[f32], quantised: &Quantised, bytes: &mut [u8]) {
        let whole = self.factors.len() / LANES * LANES;
        fast(
            #[inline(always)]
            || {
                for first in (0..whole).step_by(LANES) {
                    self.columns::<LANES>(first, values, quantised, bytes);
                }
                for first in whole..self.factors.len() {
                    self.columns::<1>(first, values, quantised, bytes);
                }
            },
        );
    }

    /// The bytes of the channels `first..first + N`: few enough that what belongs to them stays in registers.
    #[inline(always)]
    fn columns<const N: usize>(&self, first: usize, values: &[f32], quantised: &Quantised, bytes: &mut [u8]) {
        let of = |numbers: &[f32]| -> [f32; N] { std::array::from_fn(|k| numbers[first + k]) };
        let (factors, addends) = (of(&self.factors), of(&self.addends));
        let (turns, heights) = (of(&self.turns), of(&self.heights));
        let zero = f32::from(quantised.zero_point);
        let inverse = 1.0 / quantised.scale;
        let channels = self.factors.len();
        for (row, bytes) in values.chunks_exact(channels).zip(bytes.chunks_exact_mut(channels)) {
            let (row, bytes) = (&row[first..][..N], &mut bytes[first..][..N]);
            for k in 0..N {
                let y = row[k].mul_add(factors[k], addends[k]);
                let steps = bend(y, turns[k], heights[k]).mul_add(inverse, zero);
                bytes[k] = nearest_byte(steps);
            }
        }
    }
}

/// The nearest whole number from 0 to 255, the even one of two that are as near: a sum with 1.5 * 2^23 has no room for
/// fractions, and the number stands in its lowest bits.
#[inline(always)]
fn nearest_byte(x: f32) -> u8 {
    (x.clamp(0.0, 255.0) + 12_582_912.0).to_bits() as u8
}

#[inline(always)]
fn bend(y: f32, turns: f32, height: f32) -> f32 {
    height.mul_add(sine_squared(y * turns), y)
}

/// sin^2(pi x), off by at most 8e-7: a polynomial in the square of the distance to the nearest whole number, fitted by
/// least squares at Chebyshev points.
#[inline(always)]
fn sine_squared(x: f32) -> f32 {
    let r = x - x.round_ties_even();
    let u = r * r;
    let p = 10.741_589_f32;
    let p = p.mul_add(u, -29.524_03);
    let p = p.mul_add(u, 42.663_986);
    let p = p.mul_add(u, -32.466_846);
    let p = p.mul_add(u, 9.869_569);
    p * u
}

/// How bytes stand for numbers: `(byte - zero_point) * scale`.
pub(super) struct Quantised {
    pub(super) scale: f32,
    pub(super) zero_point: u8,
}

impl Quantised {
    /// The range from `low` to `high`, which holds zero.
    fn over(low: f32, high: f32) -> Self {
        let scale = ((high - low) / 255.0).max(f32::MIN_POSITIVE);
        Self { scale, zero_point: (-low / scale).round_ties_even().clamp(0.0, 255.0) as u8 }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::signal::Moments, *};

    #[test]
    fn the_polynomial_is_the_square_of_the_sine() {
        for step in -4_000..4_000 {
            let x = step as f32 / 321.0;
            let exact = (f64::from(x) * std::f64::consts::PI).sin().powi(2);
            assert!((f64::from(sine_squared(x)) - exact).abs() < 3e-6, "at {x}");
        }
    }

    #[test]
    fn halves_go_to_the_even_number() {
        for (x, byte) in
            [(-7.0, 0), (0.5, 0), (1.5, 2), (2.5, 2), (3.49, 3), (254.5, 254), (254.6, 255), (1e9, 255)]
        {
            assert_eq!(nearest_byte(x), byte, "{x}");
        }
    }

    #[test]
    fn bytes_are_the_nearest_steps_of_the_range_and_the_margins_are_zero() {
        let (channels, rows, reach) = (LANES + 3, 250, 2);
        let alphas: Vec<f32> = [0.5, 2.0, 1.0].into_iter().cycle().take(channels).collect();
        let normalised: Vec<_> =
            [(1.5, -0.25), (0.5, 0.0), (-1.0, 1.0)].into_iter().cycle().take(channels).collect();
        let values: Vec<f32> = (0..rows * channels).map(|k| ((k * 37 % 101) as f32 - 40.0) / 20.0).collect();
        let exact: Vec<f32> = values
            .iter()
            .enumerate()
            .map(|(k, value)| {
                let ((factor, addend), alpha) = (normalised[k % channels], alphas[k % channels]);
                let y = value * factor + addend;
                y + (y * alpha).sin().powi(2) / alpha
            })
            .collect();
        let mut bytes = Vec::new();
        let signal = Signal { channels, values };
        let extremes = Moments::of(&signal).extremes;
        let quantised = Snake::new(&normalised, &alphas).quantise(&signal, &extremes, reach, &mut bytes);

        assert_eq!(bytes.len(), (rows + 2 * reach) * channels);
        let (before, rest) = bytes.split_at(reach * channels);
        let (inner, after) = rest.split_at(rows * channels);
        assert!(before.iter().chain(after).all(|&byte| byte == quantised.zero_point));
        let (low, high) = exact.iter().fold((0.0_f32, 0.0_f32), |(low, high), &x| (low.min(x), high.max(x)));
        assert!((quantised.scale - (high - low) / 255.0).abs() < 1e-5);
        for (byte, exact) in inner.iter().zip(&exact) {
            let value = (f32::from(*byte) - f32::from(quantised.zero_point)) * quantised.scale;
            assert!((value - exact).abs() < 0.51 * quantised.scale, "{value} for {exact}");
        }
    }

    #[test]
    fn a_signal_of_zeros_is_zeros() {
        let signal = Signal::zeros(5, 1);
        let mut bytes = Vec::new();
        let quantised = Snake::new(&[(1.0, 0.0)], &[1.0]).quantise(&signal, &[(0.0, 0.0)], 1, &mut bytes);
        assert!(bytes.iter().all(|&byte| byte == quantised.zero_point));
    }
}
