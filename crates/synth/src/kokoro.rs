//! Kokoro-82M: one network, as many speakers as there are voice vectors.

mod activation;
mod convolution;
mod generator;
mod graph;
mod residual;
mod signal;
mod wide;

use rten::{NodeId, Value, ValueOrView, ValueView};
use rten_tensor::NdTensorView;
use sori_text::Phrase;

use crate::{
    SAMPLE_RATE_HZ,
    error::SynthError,
    network::{Call, Network},
    speech::{Speech, checked_length, checked_speed, heard_earlier, marks},
    symbols::{Symbols, padded},
    vectors::{COLUMNS, ROWS, VoiceVectors},
};
use generator::{Stage, Styles};
use graph::{BLOCKS, FEATURES, Graph, LAYERS, NODES, NOISE, RESULTS, result_name, style_name};

/// Durations are counted in frames of 25 ms.
const FRAME_SAMPLES: usize = 600;

/// The network with its phoneme table. Speaking borrows it, so that one copy serves every thread.
pub struct Kokoro {
    network: Network,
    symbols: Symbols,
    nodes: Nodes,
    stages: [Stage; 2],
}

struct Nodes {
    tokens: NodeId,
    style: NodeId,
    speed: NodeId,
    durations: NodeId,
    audio: NodeId,
    /// What each stage of the generator takes and gives.
    stages: [StageNodes; 2],
}

struct StageNodes {
    noise: NodeId,
    features: NodeId,
    /// By residual block, gains and offsets of each layer.
    styles: [[NodeId; LAYERS.len()]; 4],
    result: NodeId,
}

impl Kokoro {
    /// Loads the int8 graph (`tokens`, `style`, `speed` to `audio`; about 0.5 s) and its `vocab.json`. A call of
    /// [`speak`](Self::speak) that is alone uses up to `threads` threads, calls at once share them; the samples
    /// are the same for any number.
    pub fn load(model: Vec<u8>, vocab_json: &[u8], threads: usize) -> Result<Self, SynthError> {
        let symbols = Symbols::from_json(vocab_json)?;
        let (model, stages) =
            prepared(model, true).map_err(|reason| SynthError::ModelInvalid { model: "kokoro", reason })?;
        let network = Network::load("kokoro", model, threads)?;
        let nodes = Nodes::find(&network)?;
        Ok(Self { network, symbols, nodes, stages })
    }

    /// Speaks a phrase of at most 510 symbols at 24 kHz. `speed` divides the durations, 1 is the voice's own pace.
    ///
    /// The graph draws no random numbers: the same phrase always gives the same samples, whatever the `seed`,
    /// which is there because other voices have one.
    pub fn speak(
        &self,
        phrase: &Phrase,
        voice: &VoiceVectors,
        speed: f32,
        _seed: u64,
    ) -> Result<Speech, SynthError> {
        let speed = checked_speed(speed)?;
        let symbols = self.symbols.of(phrase);
        checked_length(&symbols, ROWS)?;
        let ids = padded(&symbols);
        let (samples, durations) = self.infer(&ids, voice.style(symbols.len()), speed)?;
        let mut phones = marks(&symbols, &durations, FRAME_SAMPLES);
        heard_earlier(&mut phones, speed, SAMPLE_RATE_HZ);
        let frames: f32 = durations.iter().sum();
        if durations.len() != ids.len() || samples.len() != frames as usize * FRAME_SAMPLES {
            return Err(self.network.failed(format!("{} samples for {frames} frames", samples.len())));
        }
        if !samples.iter().all(|sample| sample.is_finite()) {
            return Err(self.network.failed("some samples are not finite".into()));
        }
        Ok(Speech { samples, sample_rate_hz: SAMPLE_RATE_HZ, phones })
    }

    /// The samples, and the frames of each symbol.
    fn infer(&self, ids: &[i32], style: &[f32], speed: f32) -> Result<(Vec<f32>, Vec<f32>), SynthError> {
        let Nodes { tokens, durations, audio, stages: [first, second], .. } = &self.nodes;
        let call = self.network.call();
        let inputs = vec![
            (*tokens, self.view([1, ids.len()], ids)?),
            (self.nodes.style, self.view([1, COLUMNS], style)?),
            (self.nodes.speed, self.view([1], std::slice::from_ref(&speed))?),
        ];
        let mut outputs = vec![*durations, first.noise, first.features, second.noise];
        outputs.extend([first, second].iter().flat_map(|stage| stage.styles.iter().flatten()));
        let mut values = call.run(inputs, &outputs)?.into_iter().map(|value| self.network.numbers(value));
        let mut next =
            || values.next().unwrap_or_else(|| Err(self.network.failed("too few outputs".to_owned())));

        let durations = next()?;
        let (first_noise, first_features, second_noise) = (next()?, next()?, next()?);
        let mut styles = || -> Result<[Styles; 4], SynthError> {
            let mut block = || (0..LAYERS.len()).map(|_| next()).collect::<Result<Styles, _>>();
            Ok([block()?, block()?, block()?, block()?])
        };
        let (first_styles, second_styles) = (styles()?, styles()?);

        let result = self.stage(&call, 0, first_noise, first_features, &first_styles)?;
        let mut features = self.between(&call, 0, &result, second.features)?;
        drop(result);
        let features = self.network.numbers(features.swap_remove(0))?;
        let result = self.stage(&call, 1, second_noise, features, &second_styles)?;
        let mut samples = self.between(&call, 1, &result, *audio)?;
        Ok((self.network.numbers(samples.swap_remove(0))?, durations))
    }

    fn stage(
        &self,
        call: &Call<'_>,
        index: usize,
        noise: Vec<f32>,
        features: Vec<f32>,
        styles: &[Styles; 4],
    ) -> Result<Vec<f32>, SynthError> {
        let stage = &self.stages[index];
        let channels = stage.channels;
        let style_lengths = styles.iter().flatten().all(|style| style.len() == 2 * channels);
        if noise.is_empty()
            || noise.len() != features.len()
            || !noise.len().is_multiple_of(channels)
            || !style_lengths
        {
            let (noise, features) = (noise.len(), features.len());
            return Err(self
                .network
                .failed(format!("{noise} and {features} numbers for {channels} channels")));
        }
        Ok(stage.run(call, noise, features, styles))
    }

    /// What the graph makes of a stage's result.
    fn between(
        &self,
        call: &Call<'_>,
        stage: usize,
        result: &[f32],
        output: NodeId,
    ) -> Result<Vec<Value>, SynthError> {
        let channels = self.stages[stage].channels;
        let input = self.view([1, channels, result.len() / channels], result)?;
        call.run(vec![(self.nodes.stages[stage].result, input)], &[output])
    }

    fn view<'a, T, const N: usize>(
        &self,
        shape: [usize; N],
        data: &'a [T],
    ) -> Result<ValueOrView<'a>, SynthError>
    where
        ValueView<'a>: From<NdTensorView<'a, T, N>>,
    {
        let view = NdTensorView::try_from_data(shape, data)
            .map_err(|error| self.network.failed(error.to_string()))?;
        Ok(ValueView::from(view).into())
    }
}

/// The graph for the runtime and the stages that we run, which stay in the graph as well unless they are taken out.
fn prepared(model: Vec<u8>, takes_out: bool) -> Result<(Vec<u8>, [Stage; 2]), String> {
    let mut graph = Graph::read(&model)?;
    // A copy of 90 MB is enough.
    drop(model);
    let stages = graph.stages()?;
    graph.pad_with_zero_points();
    if takes_out {
        graph.without_generator();
    }
    Ok((graph.write()?, stages))
}

impl Nodes {
    fn find(network: &Network) -> Result<Self, SynthError> {
        let stage = |index: usize| {
            let mut styles = [[network.node("audio")?; LAYERS.len()]; 4];
            for (styles, block) in styles.iter_mut().zip(BLOCKS[index]) {
                for (style, layer) in styles.iter_mut().zip(LAYERS) {
                    *style = network.node(&style_name(block, layer))?;
                }
            }
            Ok::<_, SynthError>(StageNodes {
                noise: network.node(&format!("{NODES}/{}", NOISE[index]))?,
                features: network.node(&format!("{NODES}/{}", FEATURES[index]))?,
                styles,
                result: network.node(&result_name(RESULTS[index]))?,
            })
        };
        Ok(Self {
            tokens: network.node("tokens")?,
            style: network.node("style")?,
            speed: network.node("speed")?,
            audio: network.node("audio")?,
            // The rounded durations that the graph itself stretches its features by.
            durations: network.node("/encoder/Clip_output_0")?,
            stages: [stage(0)?, stage(1)?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runtime computes the whole graph as it stands in the file.
    #[test]
    fn our_generator_says_what_the_graph_says() {
        let Some(folder) = assets() else { return };
        let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let kokoro = Kokoro::load(file("model.onnx"), &file("vocab.json"), 2).unwrap();
        let voice = VoiceVectors::from_bytes(&file("voices/am_michael.bin")).unwrap();
        let ids = [0, 50, 83, 54, 156, 57, 135, 16, 65, 156, 87, 123, 54, 46, 4, 0];
        let style = voice.style(ids.len() - 2);
        let (ours, durations) = kokoro.infer(&ids, style, 1.0).unwrap();

        let (whole, _) = prepared(file("model.onnx"), false).unwrap();
        let whole = Network::load("kokoro", whole, 2).unwrap();
        let node = |name: &str| whole.node(name).unwrap();
        let inputs = vec![
            (node("tokens"), kokoro.view([1, ids.len()], &ids).unwrap()),
            (node("style"), kokoro.view([1, COLUMNS], style).unwrap()),
            (node("speed"), kokoro.view([1], &[1.0_f32]).unwrap()),
        ];
        let nodes = ["audio", "/encoder/Clip_output_0"].map(|name| whole.node(name).unwrap());
        let [audio, graphs] = whole.run(inputs, nodes).unwrap();
        assert_eq!(durations, whole.numbers(graphs).unwrap());
        let theirs = whole.numbers(audio).unwrap();
        assert_eq!(ours.len(), theirs.len());
        // The ends of the graph's own audio are disturbed, see `quieten_edges`.
        let middle = 1_800..theirs.len() - 240;
        let power =
            |of: &dyn Fn(usize) -> f32| middle.clone().map(|at| f64::from(of(at)).powi(2)).sum::<f64>();
        let noise = power(&|at| ours[at] - theirs[at]);
        let ratio_db = 10.0 * (power(&|at| theirs[at]) / noise).log10();
        assert!(ratio_db > 20.0, "{ratio_db:.1} dB apart");
    }

    fn assets() -> Option<std::path::PathBuf> {
        let home = || Some(std::path::PathBuf::from(std::env::var_os("HOME")?).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME").map(Into::into).or_else(home)?;
        let folder =
            std::env::var_os("SORI_ASSETS_DIR").map_or_else(|| cache.join("sori/assets"), Into::into);
        Some(folder.join("kokoro")).filter(|folder| folder.is_dir())
    }
}
