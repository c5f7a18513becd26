//! Makes of the ONNX file what we run: a graph for the runtime, and our own layers of the generator.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
};

use rten_onnx::onnx::{DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use super::{
    convolution::Weights,
    generator::Stage,
    residual::{Layer, Residual},
};
use crate::network::check_first_byte;

/// Where the generator lives, as the graph names its nodes and as it names its weights.
pub(super) const NODES: &str = "/decoder/decoder/generator";
const WEIGHTS: &str = "decoder.decoder.generator";

/// The residual blocks of the two stages; the first of each is the noise's.
pub(super) const BLOCKS: [[&str; 4]; 2] = [
    ["noise_res.0", "resblocks.0", "resblocks.1", "resblocks.2"],
    ["noise_res.1", "resblocks.3", "resblocks.4", "resblocks.5"],
];

/// A layer by its names in the graph: `convs1.0`, `adain1.0`, `alpha1.0`, then `convs2.0` and so on.
pub(super) const LAYERS: [(usize, usize); 6] = [(1, 0), (2, 0), (1, 1), (2, 1), (1, 2), (2, 2)];

/// What comes into each stage.
pub(super) const NOISE: [&str; 2] = ["noise_convs.0/Conv_output_0", "noise_convs.1/Conv_output_0"];
pub(super) const FEATURES: [&str; 2] = ["ups.0/ConvTranspose_output_0", "reflection_pad/Pad_output_0"];

/// The gains of all channels, then their offsets.
pub(super) fn style_name(block: &str, (half, round): (usize, usize)) -> String {
    format!("{NODES}/{block}/adain{half}.{round}/fc/Gemm_output_0")
}

pub(super) fn result_name(result: &str) -> String {
    format!("{NODES}/{result}_output_0")
}

/// What each stage gives to the rest of the graph, and the nodes that add up to it.
pub(super) const RESULTS: [&str; 2] = ["Div_2", "Div_4"];
const SUMS: [[&str; 4]; 2] =
    [["Add_2", "Add_3", "Add_4", RESULTS[0]], ["Add_5", "Add_6", "Add_7", RESULTS[1]]];

/// The file, taken apart.
pub(super) struct Graph(ModelProto);

impl Graph {
    /// The reason of a failure is for the log.
    pub(super) fn read(model: &[u8]) -> Result<Self, String> {
        check_first_byte(model)?;
        let model = ModelProto::parse_buf(model).map_err(|error| error.to_string())?;
        if model.graph.is_none() {
            return Err("it has no graph".to_owned());
        }
        Ok(Self(model))
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        self.0.write_buf().map_err(|error| error.to_string())
    }

    /// Both stages of the generator.
    pub(super) fn stages(&self) -> Result<[Stage; 2], String> {
        let file = File {
            nodes: self.graph().node.iter().filter_map(|node| Some((node.name.as_deref()?, node))).collect(),
            tensors: self.graph().initializer.iter().filter_map(|t| Some((t.name.as_deref()?, t))).collect(),
        };
        let [first, second] = BLOCKS;
        Ok([file.stage(first)?, file.stage(second)?])
    }

    /// Pads by nodes of their own, with the zero point. The runtime's integer convolution pads with a byte that stands for
    /// another number: loud clicks at both ends, and with them a range that leaves few steps for the speech between.
    pub(super) fn pad_with_zero_points(&mut self) {
        let nodes = std::mem::take(&mut self.graph_mut().node);
        let mut padded = Vec::with_capacity(nodes.len() + 64);
        for mut node in nodes {
            if node.op_type.as_deref() == Some("ConvInteger")
                && let Some(pads) = node.attribute.iter_mut().find(|a| a.name.as_deref() == Some("pads"))
                && let [before, after] = pads.ints[..]
                && before + after > 0
                && node.input.len() == 4
            {
                pads.ints.fill(0);
                let output = format!("{}_padded", node.output[0]);
                let amounts = format!("{output}_by");
                let sample = std::mem::replace(&mut node.input[0], output.clone());
                self.graph_mut().initializer.push(TensorProto {
                    dims: vec![6],
                    data_type: Some(DataType::INT64),
                    raw_data: Some(RefCell::new(
                        [0, 0, before, 0, 0, after].iter().flat_map(|n: &i64| n.to_le_bytes()).collect(),
                    )),
                    name: Some(amounts.clone()),
                    ..TensorProto::default()
                });
                padded.push(NodeProto {
                    name: Some(output.clone()),
                    op_type: Some("Pad".to_owned()),
                    input: vec![sample, amounts, node.input[2].clone()],
                    output: vec![output],
                    ..NodeProto::default()
                });
            }
            padded.push(node);
        }
        self.graph_mut().node = padded;
    }

    /// Takes the residual blocks and their weights out of the graph, but for what makes their styles. Their results become
    /// inputs.
    pub(super) fn without_generator(&mut self) {
        let taken = |node: &NodeProto| {
            let Some(name) = node.output.first().and_then(|output| output.strip_prefix(NODES)) else {
                return false;
            };
            let name = &name[1..];
            let is_sum = SUMS.iter().flatten().any(|sum| name.strip_prefix(sum) == Some("_output_0"));
            let is_block = BLOCKS.iter().flatten().any(|block| name.starts_with(&format!("{block}/")));
            is_sum || is_block && !name.contains("/fc/")
        };
        let graph = self.graph_mut();
        graph.node.retain(|node| !taken(node));
        let used: HashSet<_> = graph.node.iter().flat_map(|node| &node.input).map(String::as_str).collect();
        graph.initializer.retain(|tensor| tensor.name.as_deref().is_some_and(|name| used.contains(name)));
        let value = |name: String| ValueInfoProto { name: Some(name), ..ValueInfoProto::default() };
        graph.input.extend(RESULTS.map(|result| value(result_name(result))));
        // What nobody uses any more would be dropped by the runtime.
        graph.output.extend(
            BLOCKS.iter().flatten().flat_map(|block| LAYERS.map(|layer| value(style_name(block, layer)))),
        );
        graph.output.extend(NOISE.iter().chain(&FEATURES).map(|name| value(format!("{NODES}/{name}"))));
    }

    fn graph(&self) -> &GraphProto {
        self.0.graph.as_ref().expect("checked when it was read")
    }

    fn graph_mut(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().expect("checked when it was read")
    }
}

struct File<'a> {
    nodes: HashMap<&'a str, &'a NodeProto>,
    tensors: HashMap<&'a str, &'a TensorProto>,
}

impl File<'_> {
    fn stage(&self, names: [&str; 4]) -> Result<Stage, String> {
        let [noise, first, second, third] = names.map(|name| self.residual(name));
        let (noise, blocks) = (noise?, [first?, second?, third?]);
        let channels = noise.layers.first().map_or(0, |layer| layer.weights.inputs);
        let layers = blocks.iter().chain([&noise]).flat_map(|block| &block.layers);
        if layers.into_iter().any(|layer| !layer.has(channels)) {
            return Err(format!("the layers of {} differ in their channels", names[0]));
        }
        Ok(Stage { channels, noise, blocks })
    }

    fn residual(&self, name: &str) -> Result<Residual, String> {
        let layers = LAYERS.map(|(half, round)| self.layer(name, half, round));
        Ok(Residual { layers: layers.into_iter().collect::<Result<_, _>>()? })
    }

    fn layer(&self, block: &str, half: usize, round: usize) -> Result<Layer, String> {
        let node = format!("{NODES}/{block}/convs{half}.{round}/Conv_quant");
        let node = *self.nodes.get(node.as_str()).ok_or_else(|| format!("it has no node {node}"))?;
        // ConvInteger: samples, weights, zero point of the samples, zero point of the weights.
        let [_, weights, _, zero_point] = node.input.as_slice() else {
            return Err(format!("{} inputs of a convolution", node.input.len()));
        };
        let scale = weights.replace("_quantized", "_scale");
        let (shape, bytes) = self.bytes(weights)?;
        let (_, zero_point) = self.bytes(zero_point)?;
        let (&[outputs, inputs, taps], &[zero_point]) = (shape.as_slice(), zero_point.as_slice()) else {
            return Err(format!("{weights} has the shape {shape:?}"));
        };
        let dilation = node.attribute.iter().find(|attribute| attribute.name.as_deref() == Some("dilations"));
        let dilation = dilation.and_then(|attribute| attribute.ints.first()).copied().unwrap_or(1);
        let dilation = usize::try_from(dilation).map_err(|_| "a dilation is negative")?;
        let weights: Vec<i16> = bytes.iter().map(|&byte| i16::from(byte) - i16::from(zero_point)).collect();
        let weights =
            Weights::pack(&weights, [outputs, inputs, taps], dilation).map_err(|error| error.to_string())?;
        let scale = self.numbers(&scale)?;
        Ok(Layer {
            weights,
            scale: *scale.first().ok_or("a scale is empty")?,
            bias: self.numbers(&format!("{WEIGHTS}.{block}.convs{half}.{round}.bias"))?,
            alphas: self.numbers(&format!("{WEIGHTS}.{block}.alpha{half}.{round}"))?,
        })
    }

    fn bytes(&self, name: &str) -> Result<(Vec<usize>, Vec<u8>), String> {
        let tensor = self.tensor(name, DataType::UINT8)?;
        let shape = tensor.dims.iter().map(|&size| usize::try_from(size).unwrap_or(0)).collect();
        let bytes = match &tensor.raw_data {
            Some(raw) => raw.borrow().clone(),
            None => tensor.int32_data.iter().map(|&number| number as u8).collect(),
        };
        Ok((shape, bytes))
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let tensor = self.tensor(name, DataType::FLOAT)?;
        let Some(raw) = &tensor.raw_data else { return Ok(tensor.float_data.clone()) };
        Ok(raw.borrow().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    fn tensor(&self, name: &str, kind: DataType) -> Result<&TensorProto, String> {
        let tensor = *self.tensors.get(name).ok_or_else(|| format!("it has no weights {name}"))?;
        if tensor.data_type != Some(kind) {
            return Err(format!("{name} is of another type"));
        }
        Ok(tensor)
    }
}

impl Layer {
    fn has(&self, channels: usize) -> bool {
        self.weights.inputs == channels
            && self.weights.outputs == channels
            && self.bias.len() == channels
            && self.alphas.len() == channels
    }
}
