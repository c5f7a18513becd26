//! A loaded model and the threads it runs on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::prelude::*;

use crate::error::SynthError;

/// Writers put `ModelProto.ir_version` first: field 1, a varint. Without this check the runtime searches some
/// other files without end.
const ONNX_FIRST_BYTE: u8 = 0x08;

/// To be asked before a file is parsed.
pub(crate) fn check_first_byte(model: &[u8]) -> Result<(), String> {
    if model.first() == Some(&ONNX_FIRST_BYTE) { Ok(()) } else { Err("it is not an ONNX file".to_owned()) }
}

/// A model that any number of threads may run at once.
pub(crate) struct Network {
    name: &'static str,
    model: Model,
    threads: usize,
    pools: Mutex<Pools>,
}

/// The thread pools of a model. A pool runs one call at a time, so that calls from several threads really are
/// parallel; there are never more pools of one size than there were calls at once.
#[derive(Default)]
struct Pools {
    calls: usize,
    /// Pools that no call uses at the moment, with their number of threads.
    idle: Vec<(usize, Arc<ThreadPool>)>,
}

impl Network {
    /// Loads an ONNX model. A call that is alone will use up to `threads` threads, calls at once share them.
    pub(crate) fn load(name: &'static str, model: Vec<u8>, threads: usize) -> Result<Self, SynthError> {
        let invalid = |reason: String| SynthError::ModelInvalid { model: name, reason };
        check_first_byte(&model).map_err(invalid)?;
        let model = ModelOptions::with_all_ops().load(model).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { name, model, threads: threads.max(1), pools: Mutex::default() })
    }

    /// An input, an output or an inner value of the graph.
    pub(crate) fn node(&self, node: &str) -> Result<NodeId, SynthError> {
        self.model.find_node(node).ok_or_else(|| SynthError::ModelInvalid {
            model: self.name,
            reason: format!("it has no node {node}"),
        })
    }

    pub(crate) fn run<const N: usize>(
        &self,
        inputs: Vec<(NodeId, ValueOrView<'_>)>,
        outputs: [NodeId; N],
    ) -> Result<[Value; N], SynthError> {
        let values = self.call().run(inputs, &outputs)?;
        values.try_into().map_err(|_| self.failed("another number of outputs".to_owned()))
    }

    /// Work that takes more than one run.
    pub(crate) fn call(&self) -> Call<'_> {
        self.pools().calls += 1;
        Call { network: self }
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The numbers of an output in order, whatever its shape.
    pub(crate) fn numbers(&self, value: Value) -> Result<Vec<f32>, SynthError> {
        match value {
            Value::FloatTensor(tensor) => Ok(tensor.into_data()),
            Value::Int32Tensor(tensor) => Ok(tensor.iter().map(|&number| number as f32).collect()),
            other => Err(self.failed(format!("an output is {:?}", other.dtype()))),
        }
    }

    pub(crate) fn failed(&self, reason: String) -> SynthError {
        SynthError::ModelFailed { model: self.name, reason }
    }
}

/// A share of the threads, by the number of calls at each moment: what a call that ends leaves idle serves the others
/// from their next step on.
pub(crate) struct Call<'a> {
    network: &'a Network,
}

impl Call<'_> {
    /// Inputs and outputs may be inner values of the graph: only what lies between them is computed.
    pub(crate) fn run(
        &self,
        inputs: Vec<(NodeId, ValueOrView<'_>)>,
        outputs: &[NodeId],
    ) -> Result<Vec<Value>, SynthError> {
        let outcome = self.step(|pool| {
            let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
            self.network.model.run(inputs, outputs, Some(options))
        });
        outcome.map_err(|error| self.network.failed(error.to_string()))
    }

    /// Our own parallel work on the same threads.
    pub(crate) fn compute<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.step(|pool| pool.run(work))
    }

    /// Gives a pool to one step; when the step panics the pool is lost with it.
    fn step<R>(&self, work: impl FnOnce(&Arc<ThreadPool>) -> R) -> R {
        let (threads, pool) = {
            let mut pools = self.network.pools();
            let threads = (self.network.threads / pools.calls).max(1);
            match pools.idle.iter().position(|(size, _)| *size == threads) {
                Some(index) => pools.idle.swap_remove(index),
                None => (threads, Arc::new(ThreadPool::with_num_threads(threads))),
            }
        };
        let result = work(&pool);
        self.network.pools().idle.push((threads, pool));
        result
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.network.pools().calls -= 1;
    }
}
