//! A residual block of the generator: three times two convolutions, each after its own normalisation and snake.

use rayon::prelude::*;

use super::{
    activation::Snake,
    convolution::{TILE, Weights},
    signal::{BLOCK, Moments, PartialMoments, Signal},
};
use crate::network::Call;

/// One convolution with what comes before it.
pub(super) struct Layer {
    pub(super) weights: Weights,
    /// What a step of the weights is worth.
    pub(super) scale: f32,
    pub(super) bias: Vec<f32>,
    /// Of the snake, by channel.
    pub(super) alphas: Vec<f32>,
}

/// Six layers; what comes out of every second one is added to what went in before the first of the two.
pub(super) struct Residual {
    pub(super) layers: Vec<Layer>,
}

/// Room that the blocks of one call use in turn.
#[derive(Default)]
pub(super) struct Scratch {
    bytes: Vec<u8>,
    between: Vec<f32>,
}

impl Residual {
    /// Sends the signal through. `styles` has the gains and offsets of each layer, `moments` are the signal's.
    pub(super) fn run(
        &self,
        call: &Call<'_>,
        mut signal: Signal,
        mut moments: Moments,
        styles: &[Vec<f32>],
        scratch: &mut Scratch,
    ) -> Signal {
        let mut between = Signal { channels: signal.channels, values: std::mem::take(&mut scratch.between) };
        between.values.resize(signal.values.len(), 0.0);
        for (layers, styles) in self.layers.chunks_exact(2).zip(styles.chunks_exact(2)) {
            let bytes = &mut scratch.bytes;
            let [style, next_style] = [&styles[0], &styles[1]];
            let inner =
                call.compute(|| layers[0].run::<false>(&signal, &moments, style, &mut between, bytes));
            moments =
                call.compute(|| layers[1].run::<true>(&between, &inner, next_style, &mut signal, bytes));
        }
        scratch.between = between.values;
        signal
    }
}

impl Layer {
    /// Writes to `to` or adds to it; the moments are those of what then stands there.
    fn run<const ADDS: bool>(
        &self,
        from: &Signal,
        moments: &Moments,
        style: &[f32],
        to: &mut Signal,
        bytes: &mut Vec<u8>,
    ) -> Moments {
        let snake = Snake::new(&moments.normalised_to(style), &self.alphas);
        let quantised = snake.quantise(from, &moments.extremes, self.weights.reach(), bytes);
        let scale = quantised.scale * self.scale;
        let (channels, rows) = (to.channels, to.rows());
        let blocks = to.values.par_chunks_mut(BLOCK * channels).enumerate().map(|(block, values)| {
            let first = block * BLOCK;
            let last = first + values.len() / channels;
            for tile in 0..channels / TILE {
                let bias = &self.bias[tile * TILE..][..TILE];
                self.weights.convolve(bytes, quantised.zero_point, tile, first..last, |row, sums| {
                    let values = &mut values[(row - first) * channels + tile * TILE..][..TILE];
                    for ((value, sum), bias) in values.iter_mut().zip(sums).zip(bias) {
                        let result = *sum as f32 * scale + bias;
                        *value = if ADDS { *value + result } else { result };
                    }
                });
            }
            PartialMoments::of(values, channels)
        });
        let parts: Vec<_> = blocks.collect();
        Moments::add_up(rows, &parts)
    }
}
