//! What flows between the layers: numbers by moment and channel, and their means.

use rayon::prelude::*;

use super::wide::{LANES, fast};

/// Moments that one task works on: a whole number of the convolution's rows, small enough that its bytes stay in the
/// first cache.
pub(super) const BLOCK: usize = 96;

/// Rows of channels, one row for each moment.
pub(super) struct Signal {
    pub(super) channels: usize,
    pub(super) values: Vec<f32>,
}

impl Signal {
    pub(super) fn zeros(rows: usize, channels: usize) -> Self {
        Self { channels, values: vec![0.0; rows * channels] }
    }

    /// From one row for each channel, as the graph has it.
    pub(super) fn from_channels(values: &[f32], channels: usize) -> Self {
        let mut signal = Self::zeros(values.len() / channels, channels);
        signal.each_across(values, |value, across| *value = across);
        signal
    }

    pub(super) fn rows(&self) -> usize {
        self.values.len() / self.channels
    }

    /// Adds numbers that lie by channel, as the graph has them.
    pub(super) fn add_channels(&mut self, values: &[f32]) {
        self.each_across(values, |value, across| *value += across);
    }

    /// One row for each channel, times `factor`.
    pub(super) fn to_channels(&self, factor: f32) -> Vec<f32> {
        let rows = self.rows();
        let mut values = vec![0.0; self.values.len()];
        values.par_chunks_mut(rows.max(1) * TURNED).enumerate().for_each(|(part, values)| {
            let first = part * TURNED;
            for (row, from) in self.values.chunks_exact(self.channels).enumerate() {
                for (channel, value) in from[first..].iter().take(values.len() / rows).enumerate() {
                    values[channel * rows + row] = value * factor;
                }
            }
        });
        values
    }

    pub(super) fn add(&mut self, other: &Self) {
        let size = BLOCK * self.channels;
        self.values.par_chunks_mut(size).zip(other.values.par_chunks(size)).for_each(|(to, from)| {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        });
    }

    fn each_across(&mut self, values: &[f32], set: impl Fn(&mut f32, f32) + Sync) {
        let (rows, channels) = (self.rows(), self.channels);
        assert_eq!(values.len(), rows * channels, "the same shape");
        self.values.par_chunks_mut(BLOCK * channels).enumerate().for_each(|(block, own)| {
            for (channel, values) in values.chunks_exact(rows).enumerate() {
                let values = &values[block * BLOCK..];
                for (row, value) in own.chunks_exact_mut(channels).zip(values) {
                    set(&mut row[channel], *value);
                }
            }
        });
    }
}

/// Channels that are turned together: their rows are a cache line.
const TURNED: usize = 16;

/// Sums of a channel's numbers and of their squares, and its least and greatest number.
#[derive(Clone)]
pub(super) struct Moments {
    count: usize,
    sums: Vec<f64>,
    squares: Vec<f64>,
    pub(super) extremes: Vec<(f32, f32)>,
}

impl Moments {
    pub(super) fn of(signal: &Signal) -> Self {
        let blocks = signal.values.par_chunks(BLOCK * signal.channels);
        let parts: Vec<_> = blocks.map(|block| PartialMoments::of(block, signal.channels)).collect();
        Self::add_up(signal.rows(), &parts)
    }

    /// In the order of the parts, so that the number of threads changes nothing.
    pub(super) fn add_up(count: usize, parts: &[PartialMoments]) -> Self {
        let channels = parts.first().map_or(0, |part| part.sums.len());
        let extremes = vec![NOTHING; channels];
        let mut all = Self { count, sums: vec![0.0; channels], squares: vec![0.0; channels], extremes };
        for part in parts {
            for (to, from) in all.sums.iter_mut().zip(&part.sums) {
                *to += f64::from(*from);
            }
            for (to, from) in all.squares.iter_mut().zip(&part.squares) {
                *to += f64::from(*from);
            }
            for ((low, high), (least, greatest)) in
                all.extremes.iter_mut().zip(part.least.iter().zip(&part.greatest))
            {
                (*low, *high) = (low.min(*least), high.max(*greatest));
            }
        }
        all
    }

    /// Factor and addend by channel that bring a channel to mean 0 and variance 1 (instance normalisation), then to
    /// `1 + gain` and `offset` of the style (Huang and Belongie 2017, "Arbitrary style transfer in real-time with
    /// adaptive instance normalization"). `style` is the gains of all channels, then their offsets.
    pub(super) fn normalised_to(&self, style: &[f32]) -> Vec<(f32, f32)> {
        const EPSILON: f64 = 1e-5;
        let (gains, offsets) = style.split_at(style.len() / 2);
        let count = self.count.max(1) as f64;
        let channels = self.sums.iter().zip(&self.squares).zip(gains.iter().zip(offsets));
        channels
            .map(|((sum, square), (gain, offset))| {
                let mean = sum / count;
                let variance = (square / count - mean * mean).max(0.0);
                let factor = (1.0 + f64::from(*gain)) / (variance + EPSILON).sqrt();
                (factor as f32, (f64::from(*offset) - mean * factor) as f32)
            })
            .collect()
    }
}

/// The least and the greatest of no numbers.
const NOTHING: (f32, f32) = (f32::INFINITY, f32::NEG_INFINITY);

/// The same for a block of moments.
pub(super) struct PartialMoments {
    sums: Vec<f32>,
    squares: Vec<f32>,
    least: Vec<f32>,
    greatest: Vec<f32>,
}

impl PartialMoments {
    pub(super) fn of(values: &[f32], channels: usize) -> Self {
        let of = |value: f32| vec![value; channels];
        let mut all = Self { sums: of(0.0), squares: of(0.0), least: of(NOTHING.0), greatest: of(NOTHING.1) };
        let whole = channels / LANES * LANES;
        fast(
            #[inline(always)]
            || {
                for first in (0..whole).step_by(LANES) {
                    all.columns::<LANES>(first, values, channels);
                }
                for first in whole..channels {
                    all.columns::<1>(first, values, channels);
                }
            },
        );
        all
    }

    /// The channels `first..first + N`: few enough that their sums stay in registers.
    #[inline(always)]
    fn columns<const N: usize>(&mut self, first: usize, values: &[f32], channels: usize) {
        let (mut sums, mut squares) = ([0.0; N], [0.0; N]);
        let (mut least, mut greatest) = ([NOTHING.0; N], [NOTHING.1; N]);
        for row in values.chunks_exact(channels) {
            for (k, &value) in row[first..][..N].iter().enumerate() {
                sums[k] += value;
                squares[k] += value * value;
                least[k] = if value < least[k] { value } else { least[k] };
                greatest[k] = if value > greatest[k] { value } else { greatest[k] };
            }
        }
        let span = first..first + N;
        self.sums[span.clone()].copy_from_slice(&sums);
        self.squares[span.clone()].copy_from_slice(&squares);
        self.least[span.clone()].copy_from_slice(&least);
        self.greatest[span].copy_from_slice(&greatest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(rows: usize, channels: usize) -> Vec<f32> {
        (0..rows * channels).map(|k| ((k * 7919) % 1_000) as f32 / 100.0 + (k / rows) as f32).collect()
    }

    #[test]
    fn a_turned_signal_turned_back_is_itself() {
        for (rows, channels) in [(1, 16), (97, 32), (200, 40)] {
            let values = wave(rows, channels);
            let mut signal = Signal::from_channels(&values, channels);
            assert_eq!(signal.values[channels * (rows - 1)], values[rows - 1]);
            signal.add_channels(&values);
            assert_eq!(signal.to_channels(0.5), values);
        }
    }

    #[test]
    fn normalised_channels_have_the_mean_and_the_spread_of_the_style() {
        let (rows, channels) = (500, 3);
        let signal = Signal::from_channels(&wave(rows, channels), channels);
        let style = [0.0, 1.0, -0.5, 0.0, 2.0, -3.0];
        let normalised = Moments::of(&signal).normalised_to(&style);
        for channel in 0..channels {
            let (factor, addend) = normalised[channel];
            let values: Vec<f64> = signal
                .values
                .iter()
                .skip(channel)
                .step_by(channels)
                .map(|value| f64::from(value * factor + addend))
                .collect();
            let mean = values.iter().sum::<f64>() / rows as f64;
            let spread =
                (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
            assert!((mean - f64::from(style[channels + channel])).abs() < 1e-3, "mean {mean}");
            assert!((spread - f64::from((1.0 + style[channel]).abs())).abs() < 1e-3, "spread {spread}");
        }
    }
}
