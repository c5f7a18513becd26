//! Complex white noise that is the same for the same seed.

use realfft::num_complex::Complex;

/// SplitMix64 (Steele, Lea, Flood 2014) for the numbers, Box and Muller (1958) for the bell curve: one step gives
/// both parts of a complex number.
pub(super) struct Noise {
    state: u64,
}

impl Noise {
    /// The phrase is part of the seed, so that two phrases do not breathe alike.
    pub(super) fn new(seed: u64, ids: &[i32]) -> Self {
        let mut noise = Self { state: seed };
        for &id in ids {
            noise.state = noise.bits() ^ u64::from(id.unsigned_abs());
        }
        noise
    }

    /// Real and imaginary part are independent, with mean 0 and variance 1.
    pub(super) fn next(&mut self) -> Complex<f32> {
        /// The upper 24 bits of 32, which are exact in an `f32`.
        const UNIT: f32 = 1.0 / (1 << 24) as f32;
        let bits = self.bits();
        // Above 0, because its logarithm is taken.
        let distance = ((bits >> 40) as f32 + 1.0) * UNIT;
        let turn = (bits >> 8 & 0xff_ffff) as f32 * UNIT;
        Complex::from_polar((-2.0 * distance.ln()).sqrt(), std::f32::consts::TAU * turn)
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        let mut noise = Noise { state: 1_234_567 };
        let first: Vec<_> = (0..3).map(|_| noise.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn noise_is_white_with_variance_one() {
        let mut noise = Noise::new(7, &[]);
        let drawn: Vec<_> = (0..100_000).map(|_| noise.next()).collect();
        let mean =
            |of: &dyn Fn(usize) -> f32| (0..drawn.len()).map(of).map(f64::from).sum::<f64>() / 100_000.0;
        // Four standard errors of 100,000 draws.
        let moments = [
            (mean(&|i| drawn[i].re), 0.0),
            (mean(&|i| drawn[i].im), 0.0),
            (mean(&|i| drawn[i].re * drawn[i].im), 0.0),
            (mean(&|i| drawn[i].re * drawn[(i + 1) % drawn.len()].re), 0.0),
            (mean(&|i| drawn[i].re.powi(2)), 1.0),
            (mean(&|i| drawn[i].im.powi(2)), 1.0),
        ];
        for (index, (found, expected)) in moments.into_iter().enumerate() {
            assert!((found - expected).abs() < 0.018, "moment {index}: {found}");
        }
    }

    #[test]
    fn seed_and_phrase_both_change_the_noise() {
        let first = |seed, ids: &[i32]| Noise::new(seed, ids).next();
        assert_eq!(first(1, &[5, 6]), first(1, &[5, 6]));
        assert_ne!(first(1, &[5, 6]), first(2, &[5, 6]));
        assert_ne!(first(1, &[5, 6]), first(1, &[6, 5]));
    }
}
