//! From the sums of one convolution to the bytes of the next: normalised to the style, bent by the snake function, and
//! quantised to the range that really occurs (ONNX `DynamicQuantizeLinear`).

use rayon::prelude::*;

use super::signal::{BLOCK, Signal};

/// Snake (Ziyin, Hartwig and Ueda 2020): `y + sin^2(alpha y) / alpha`, one alpha for each channel, after
/// `y = factor x + addend`.
pub(super) struct Snake {
    channels: Vec<Channel>,
}

#[derive(Clone, Copy)]
struct Channel {
    factor: f32,
    addend: f32,
    /// alpha / pi: half turns of the sine.
    turns: f32,
    /// 1 / alpha.
    height: f32,
}

impl Snake {
    pub(super) fn new(normalised: &[(f32, f32)], alphas: &[f32]) -> Self {
        let channel = |(&(factor, addend), &alpha): (&(f32, f32), &f32)| Channel {
            factor,
            addend,
            turns: alpha / std::f32::consts::PI,
            height: 1.0 / alpha,
        };
        Self { channels: normalised.iter().zip(alphas).map(channel).collect() }
    }

    /// The bytes of the bent signal, with `reach` rows of zeros before and after it.
    pub(super) fn quantise(&self, signal: &Signal, reach: usize, bytes: &mut Vec<u8>) -> Quantised {
        let size = BLOCK * signal.channels;
        let (low, high) = signal
            .values
            .par_chunks(size)
            .map(|values| self.range(values))
            .reduce(|| (0.0, 0.0), |a, b| (a.0.min(b.0), a.1.max(b.1)));
        let quantised = Quantised::over(low, high);
        let margin = reach * signal.channels;
        bytes.clear();
        bytes.resize(signal.values.len() + 2 * margin, quantised.zero_point);
        let inner = &mut bytes[margin..][..signal.values.len()];
        inner
            .par_chunks_mut(size)
            .zip(signal.values.par_chunks(size))
            .for_each(|(bytes, values)| self.bytes(values, &quantised, bytes));
        quantised
    }

    fn range(&self, values: &[f32]) -> (f32, f32) {
        fast(
            #[inline(always)]
            || {
                let mut low = vec![0.0_f32; self.channels.len()];
                let mut high = low.clone();
                for row in values.chunks_exact(self.channels.len()) {
                    for (((value, channel), low), high) in
                        row.iter().zip(&self.channels).zip(&mut low).zip(&mut high)
                    {
                        let bent = channel.bend(*value);
                        *low = if bent < *low { bent } else { *low };
                        *high = if bent > *high { bent } else { *high };
                    }
                }
                (low.into_iter().fold(0.0, f32::min), high.into_iter().fold(0.0, f32::max))
            },
        )
    }

    fn bytes(&self, values: &[f32], quantised: &Quantised, bytes: &mut [u8]) {
        let zero = f32::from(quantised.zero_point);
        let inverse = 1.0 / quantised.scale;
        fast(
            #[inline(always)]
            || {
                let rows =
                    values.chunks_exact(self.channels.len()).zip(bytes.chunks_exact_mut(self.channels.len()));
                for (row, bytes) in rows {
                    for ((value, channel), byte) in row.iter().zip(&self.channels).zip(bytes) {
                        let steps = (channel.bend(*value) * inverse).round_ties_even() + zero;
                        *byte = steps.clamp(0.0, 255.0) as i32 as u8;
                    }
                }
            },
        );
    }
}

impl Channel {
    #[inline(always)]
    fn bend(self, value: f32) -> f32 {
        let y = value.mul_add(self.factor, self.addend);
        self.height.mul_add(sine_squared(y * self.turns), y)
    }
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

/// Runs plain loops with the wide instructions of this machine.
#[inline(always)]
fn fast<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code, reason = "calls a function whose CPU features were just checked")]
    {
        #[target_feature(enable = "avx2,fma")]
        fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
            work()
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            // SAFETY: both features are there.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_the_square_of_the_sine() {
        for step in -4_000..4_000 {
            let x = step as f32 / 321.0;
            let exact = (f64::from(x) * std::f64::consts::PI).sin().powi(2);
            assert!((f64::from(sine_squared(x)) - exact).abs() < 3e-6, "at {x}");
        }
    }

    #[test]
    fn bytes_are_the_nearest_steps_of_the_range_and_the_margins_are_zero() {
        let (channels, rows, reach) = (3, 250, 2);
        let alphas = [0.5, 2.0, 1.0];
        let normalised = [(1.5, -0.25), (0.5, 0.0), (-1.0, 1.0)];
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
        let quantised = Snake::new(&normalised, &alphas).quantise(&signal, reach, &mut bytes);

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
        let quantised = Snake::new(&[(1.0, 0.0)], &[1.0]).quantise(&signal, 1, &mut bytes);
        assert!(bytes.iter().all(|&byte| byte == quantised.zero_point));
    }
}
