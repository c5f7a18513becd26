//! The part of the network that makes sound of features: two stages, each a way for the noise, a sum with the features,
//! and three residual blocks whose mean goes on. Nine tenths of all multiplications are here, so it is our own code;
//! what lies before, between and after the stages stays with the runtime.

use super::{
    residual::{Residual, Scratch},
    signal::{Moments, Signal},
};

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
    pub(super) fn run(&self, noise: Vec<f32>, features: Vec<f32>, styles: &[Styles; 4]) -> Vec<f32> {
        let mut scratch = Scratch::default();
        let signal = Signal::from_channels(&noise, self.channels);
        drop(noise);
        let moments = Moments::of(&signal);
        let mut input = self.noise.run(signal, moments, &styles[0], &mut scratch);
        input.add_channels(&features);
        drop(features);
        let moments = Moments::of(&input);
        let copy = |of: &Signal| Signal { channels: of.channels, values: of.values.clone() };
        let [first, second, third] = &self.blocks;
        let mut sum = first.run(copy(&input), moments.clone(), &styles[1], &mut scratch);
        sum.add(&second.run(copy(&input), moments.clone(), &styles[2], &mut scratch));
        sum.add(&third.run(input, moments, &styles[3], &mut scratch));
        drop(scratch);
        sum.to_channels(1.0 / 3.0)
    }
}
