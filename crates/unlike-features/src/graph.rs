//! A network of an ONNX file: what it takes, and what its outputs say of an image.

use std::sync::{Arc, Mutex, PoisonError};

use rten::{Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::Layout;

/// What can be told of a network that cannot be used: what was found, and what was expected.
pub(crate) struct Unusable {
    pub(crate) found: String,
    pub(crate) expected: &'static str,
}

fn unusable<T>(found: impl Into<String>, expected: &'static str) -> Result<T, Unusable> {
    Err(Unusable {
        found: found.into(),
        expected,
    })
}

/// A network that takes one image at a time.
#[derive(Debug)]
pub(crate) struct Graph {
    model: Model,
    input: NodeId,
    channels: usize,
    size: Option<[usize; 2]>,
    /// Threads on which images run, one each. What is split between threads could be added up in another
    /// order on other numbers of them.
    /// And the process whose they are: one that is forked off it has none of them.
    threads: Mutex<Vec<(u32, Arc<ThreadPool>)>>,
}

/// What an output says of an image.
#[derive(Debug)]
pub(crate) enum Said {
    /// `[channels, height, width]`
    Map([usize; 3], Vec<f32>),
    /// Anything else: its shape in words.
    Other(String),
}

const INPUT: &str = "one input of the shape [1 or any, 3 or 1, height, width]";

impl Graph {
    /// A network from the bytes of its file.
    pub(crate) fn new(bytes: &[u8]) -> Result<Self, Unusable> {
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = match options.load(bytes.to_vec()) {
            Ok(model) => model,
            Err(error) => {
                return unusable(
                    format!("a file that cannot be read ({error})"),
                    "a network as ONNX, with its weights inside",
                );
            }
        };
        let &[input] = model.input_ids() else {
            return unusable(format!("{} inputs", model.input_ids().len()), INPUT);
        };
        let shape = model.input_shape(0);
        let Some([batch, channels, height, width]) = shape.as_deref() else {
            let found = shape.map_or("an input of no shape".into(), |s| described(&s));
            return unusable(found, INPUT);
        };
        let fixed = |length: &Dimension| match length {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Symbolic(_) => None,
        };
        let channels = fixed(channels).unwrap_or(3);
        if !matches!(fixed(batch), None | Some(1)) || !matches!(channels, 1 | 3) {
            return unusable(described(shape.as_deref().unwrap_or_default()), INPUT);
        }
        Ok(Self {
            input,
            channels,
            size: fixed(height)
                .zip(fixed(width))
                .map(|(height, width)| [height, width]),
            model,
            threads: Mutex::default(),
        })
    }

    /// Of its images: 1 or 3.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// `[height, width]` of the images that it takes, if these are fixed.
    pub(crate) fn size(&self) -> Option<[usize; 2]> {
        self.size
    }

    /// The names of the outputs.
    pub(crate) fn outputs(&self) -> Vec<String> {
        let name = |&id: &NodeId| {
            let info = self.model.node_info(id);
            info.and_then(|info| info.name().map(str::to_owned))
                .unwrap_or_default()
        };
        self.model.output_ids().iter().map(name).collect()
    }

    /// What these outputs, by their positions, say of one image, `[channels, height, width]`.
    ///
    /// The same image gives the same bits, whatever runs beside it.
    pub(crate) fn run(
        &self,
        image: Vec<f32>,
        [height, width]: [usize; 2],
        outputs: &[usize],
    ) -> Result<Vec<Said>, Unusable> {
        const RUNS: &str = "a network that runs on images of this size";
        let input = match Value::from_shape([1, self.channels, height, width], image) {
            Ok(input) => input,
            Err(error) => return unusable(error.to_string(), RUNS),
        };
        let ids = self.model.output_ids();
        let ids: Vec<NodeId> = outputs.iter().map(|&at| ids[at]).collect();
        let free = || self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let here = std::process::id();
        let thread = match free().pop() {
            Some((of, thread)) if of == here => thread,
            gone => {
                // Threads of another process cannot be told to end.
                if let Some(gone) = gone {
                    std::mem::forget(gone);
                }
                Arc::new(ThreadPool::with_num_threads(1))
            }
        };
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&thread)));
        let said = self
            .model
            .run(vec![(self.input, input.into())], &ids, Some(options));
        free().push((here, thread));
        match said {
            Ok(said) => Ok(said.into_iter().map(read).collect()),
            Err(error) => unusable(format!("a network that fails ({error})"), RUNS),
        }
    }
}

fn read(value: Value) -> Said {
    let shape = match &value {
        Value::FloatTensor(tensor) => tensor.shape().to_vec(),
        _ => return Said::Other("no numbers with a fraction".into()),
    };
    if let [1, channels, height, width] = shape[..]
        && channels * height * width > 0
        && let Ok((_, values)) = value.into_shape_vec::<f32, 4>()
    {
        return Said::Map([channels, height, width], values);
    }
    Said::Other(format!("{shape:?}"))
}

fn described(shape: &[Dimension]) -> String {
    let lengths = shape.iter().map(|length| match length {
        Dimension::Fixed(length) => length.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    });
    format!(
        "an input of the shape [{}]",
        lengths.collect::<Vec<_>>().join(", ")
    )
}
