//! The part of the network that makes sound of features: two stages, each a way for the noise, a sum with the features,
//! and three residual blocks whose mean goes on. Nine tenths of all multiplications are here, so it is our own code;
//! what lies before, between and after the stages stays with the runtime.

use super::{
    residual::{Residual, Scratch},
    signal::{Moments, Signal},
};
use crate::network::Call;

/// One of the two stages.
pub(super) struct Stage {
    pub(super) channels: usize,
    pub(super) noise: Residual,
    pub(super) blocks: [Residual; 3],
}

/// Gains and offsets for each layer of a residual block.
pub(super) type Styles = Vec<Vec<f32>>;

impl Stage {
    /// `noise` and `features` lie by channel and have the same shape; so has the result. `styles` are those of the noise's
    /// block and of the three others.
    pub(super) fn run(
        &self,
        call: &Call<'_>,
        noise: Vec<f32>,
        features: Vec<f32>,
        styles: &[Styles; 4],
    ) -> Vec<f32> {
        let mut scratch = Scratch::default();
        let (signal, moments) = call.compute(|| {
            let signal = Signal::from_channels(&noise, self.channels);
            let moments = Moments::of(&signal);
            (signal, moments)
        });
        drop(noise);
        let mut input = self.noise.run(call, signal, moments, &styles[0], &mut scratch);
        let moments = call.compute(|| {
            input.add_channels(&features);
            Moments::of(&input)
        });
        drop(features);
        let copy = |of: &Signal| Signal { channels: of.channels, values: of.values.clone() };
        let [first, second, third] = &self.blocks;
        let mut sum = first.run(call, copy(&input), moments.clone(), &styles[1], &mut scratch);
        let other = second.run(call, copy(&input), moments.clone(), &styles[2], &mut scratch);
        call.compute(|| sum.add(&other));
        drop(other);
        let other = third.run(call, input, moments, &styles[3], &mut scratch);
        drop(scratch);
        call.compute(|| {
            sum.add(&other);
            sum.to_channels(1.0 / 3.0)
        })
    }
}
