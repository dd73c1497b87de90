//! Features by anybody's network, from an ONNX file.

use std::{path::Path, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unlike_core::{Error, ImageShape, Note, Result};

use crate::{
    config::Pool,
    graph::{Graph, Said, Unusable},
    map::Map,
    network::{Network, Tap},
    tiling::Tiles,
};

/// Mean and spread of the colours of ImageNet's images, which most networks were trained with: red, green
/// and blue, from 0 to 1.
const IMAGENET: [[f64; 3]; 2] = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]];
/// Pixels of a side of the images that most networks were trained on.
const USUAL_SIDE: usize = 224;

/// A network of a file, and how what it says becomes rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Onnx {
    /// What becomes a row.
    #[serde(default = "Onnx::usual_pool")]
    pub pool: Pool,
    /// The file, as it was named.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal digits; the one of a training if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Outputs of the network that are read, in this order; the finest gives the places. If there are none,
    /// those of the shape `[1, channels, height, width]` with more than one place.
    #[serde(default)]
    pub taps: Vec<String>,
    /// What is taken from each colour of a pixel, from 0 to 1; ImageNet's mean if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// What each colour is then divided by; ImageNet's spread if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sd: Option<Vec<f64>>,
    /// Height and width of the images that the network takes; any if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<[usize; 2]>,
    /// Whether model files hold the network. If not, scoring needs the file.
    #[serde(default = "Onnx::usual_embed")]
    pub embed: bool,
    /// How images that are larger than the network sees at once are cut; whole if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<Tiles>,
    /// What the file holds, once it was read.
    #[serde(skip)]
    pub(crate) opened: Opened,
}

/// What a file holds. Equal to any other: what tells networks apart is their digest.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened(Option<Arc<File>>);

impl PartialEq for Opened {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

#[derive(Debug)]
pub(crate) struct File {
    bytes: Vec<u8>,
    graph: Graph,
}

impl Onnx {
    fn usual_pool() -> Pool {
        Pool::Patches
    }

    fn usual_embed() -> bool {
        true
    }

    /// The network of a file, that is not read yet, with all settings as usual.
    pub fn new(file: impl Into<String>) -> Self {
        Self {
            pool: Self::usual_pool(),
            file: file.into(),
            sha256: None,
            taps: Vec::new(),
            mean: None,
            sd: None,
            size: None,
            embed: Self::usual_embed(),
            tiles: None,
            opened: Opened::default(),
        }
    }

    /// The same with the file read, which then says its digest, its outputs and what it takes.
    ///
    /// # Errors
    /// If the file cannot be read, is no network of images, or is another than that of
    /// [`sha256`](Self::sha256).
    pub fn open(self) -> Result<Self> {
        if self.opened.0.is_some() {
            return Ok(self);
        }
        let bytes = std::fs::read(&self.file).map_err(Error::io("read", &self.file))?;
        let path = self.file.clone();
        self.with_bytes(bytes, &path)
    }

    /// The same by what the file held, or holds at another place, which messages call it by.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) fn with_bytes(mut self, bytes: Vec<u8>, name: &str) -> Result<Self> {
        let digest: String = Sha256::digest(&bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        if let Some(expected) = self.sha256.as_ref().filter(|known| **known != digest) {
            return Err(Error::Mismatch {
                origin: Some(format!("`{name}`")),
                found: format!("a network with SHA-256 {digest}"),
                expected: format!("that of the training, {expected}"),
                hint: None,
            });
        }
        let graph = Graph::new(&bytes).map_err(|error| self.unusable(error))?;
        self.size = graph.size();
        let usual = |colours: [f64; 3]| match graph.channels() {
            1 => vec![(colours.iter().sum::<f64>() * 1000.0 / 3.0).round() / 1000.0],
            _ => colours.to_vec(),
        };
        self.mean.get_or_insert_with(|| usual(IMAGENET[0]));
        self.sd.get_or_insert_with(|| usual(IMAGENET[1]));
        self.sha256 = Some(digest);
        self.opened = Opened(Some(Arc::new(File { bytes, graph })));
        Ok(self)
    }

    /// The same as model files know it, with the network that they hold, or that lies where it was named
    /// or beside the model file.
    ///
    /// # Errors
    /// If there is no such file, or another network in it.
    pub(crate) fn restored(self, held: Option<&[u8]>, folder: Option<&Path>) -> Result<Self> {
        let name = self.file.clone();
        if let Some(bytes) = held {
            return self.with_bytes(bytes.to_vec(), &name);
        }
        let beside = folder.and_then(|folder| Some(folder.join(Path::new(&name).file_name()?)));
        for path in [Some(name.clone().into()), beside].into_iter().flatten() {
            if path.is_file() {
                let bytes = std::fs::read(&path).map_err(Error::io("read", &path))?;
                return self.with_bytes(bytes, &path.display().to_string());
            }
        }
        let digest = self.sha256.unwrap_or_default();
        Err(Error::Mismatch {
            origin: Some(format!("`{name}`")),
            found: "no such file, here or beside the model".into(),
            expected: format!("the network that the model was trained with, of SHA-256 {digest}"),
            hint: Some(
                Note::new("put it there; a training without ")
                    .setting("no-embed-features")
                    .text(" keeps it in the model"),
            ),
        })
    }

    /// What a model file holds of the network: its digest and the bytes of its file.
    pub fn content(&self) -> Option<(&str, &[u8])> {
        let file = self.opened.0.as_ref()?;
        Some((self.sha256.as_deref()?, &file.bytes))
    }

    /// The longest side that images are brought to unasked.
    pub(crate) fn usual_side(&self) -> usize {
        self.size
            .map_or(USUAL_SIDE, |[height, width]| height.max(width))
    }

    /// What is read of the network for images of this size.
    pub(crate) fn reading(&self, image: ImageShape) -> Result<Outputs> {
        let opened = self.clone().open()?;
        let Some(file) = opened.opened.0.clone() else {
            return Err(self.unusable(Unusable {
                found: "not read".into(),
                expected: "a network as ONNX",
            }));
        };
        let graph = &file.graph;
        let size = [image.height, image.width];
        if let Some(fixed) = graph.size().filter(|fixed| *fixed != size) {
            let [height, width] = fixed;
            return Err(Error::Setting {
                name: self.tiles.map_or("image-size", |_| "tile").into(),
                found: format!("{} × {}", image.width, image.height),
                expected: format!("{width} × {height}, which `{}` takes", self.file),
                hint: Some(
                    "export the network with dynamic height and width to use other sizes".into(),
                ),
            });
        }
        if graph.channels() < image.channels {
            return Err(Error::Setting {
                name: "channels".into(),
                found: "colour".into(),
                expected: format!("grey, which is all that `{}` takes", self.file),
                hint: Some(Note::new("read images with ").set("channels", "grey")),
            });
        }
        let [mean, sd] = opened.units(graph.channels())?;
        let outputs = graph.outputs();
        let wanted = self.wanted(&outputs)?;
        let mut reading = Outputs {
            name: Path::new(&self.file).file_name().map_or_else(
                || self.file.clone(),
                |name| name.to_string_lossy().into_owned(),
            ),
            config: opened,
            image,
            mean,
            sd,
            wanted,
            taps: Vec::new(),
            file: Arc::clone(&file),
        };
        // What a blank image comes to says the shapes of all others.
        let said = reading.run(&vec![0.0; image.size()])?;
        let mut others = Vec::new();
        let mut read = Vec::new();
        for (&at, said) in reading.wanted.iter().zip(said) {
            let name = outputs[at].clone();
            match said {
                Said::Map([channels, height, width], _)
                    if height * width > 1 || !self.taps.is_empty() =>
                {
                    read.push(at);
                    let grid = [height, width];
                    reading.taps.push(Tap {
                        name,
                        grid,
                        channels,
                    });
                }
                Said::Map(shape, _) => others.push(format!(
                    "`{name}` of [1, {}, {}, {}]",
                    shape[0], shape[1], shape[2]
                )),
                Said::Other(shape) => others.push(format!("`{name}` of {shape}")),
            }
        }
        if reading.taps.is_empty() || (!self.taps.is_empty() && !others.is_empty()) {
            return Err(Error::Mismatch {
                origin: Some(format!("`{}`", self.file)),
                found: format!("the outputs {}", others.join(", ")),
                expected: "maps of the shape [1, channels, height, width]".into(),
                hint: Some("export inner layers as outputs, as docs/onnx.md shows: a vector says nothing of places".into()),
            });
        }
        reading.wanted = read;
        Ok(reading)
    }

    /// Positions of the outputs that are read.
    fn wanted(&self, outputs: &[String]) -> Result<Vec<usize>> {
        if self.taps.is_empty() {
            return Ok((0..outputs.len()).collect());
        }
        let mut wanted = Vec::new();
        for tap in &self.taps {
            let at = outputs.iter().position(|output| output == tap);
            let at = at.filter(|at| !wanted.contains(at));
            wanted.push(at.ok_or_else(|| Error::Setting {
                name: "features.taps".into(),
                found: format!("`{tap}`"),
                expected: format!("each once of {}", outputs.join(", ")),
                hint: None,
            })?);
        }
        Ok(wanted)
    }

    /// What is taken from each channel, and what it is divided by.
    fn units(&self, channels: usize) -> Result<[Vec<f32>; 2]> {
        let checked = |name: &str, given: &Option<Vec<f64>>, holds: fn(f64) -> bool| {
            let values = given.as_deref().unwrap_or_default();
            match values.len() == channels && values.iter().all(|&v| holds(v)) {
                true => Ok(values.iter().map(|&v| v as f32).collect()),
                false => Err(Error::Setting {
                    name: format!("features.{name}"),
                    found: format!("{values:?}"),
                    expected: match (name, channels) {
                        ("mean", 1) => "one number".into(),
                        ("mean", _) => "three numbers".into(),
                        (_, 1) => "one number above 0".into(),
                        (_, _) => "three numbers above 0".to_owned(),
                    },
                    hint: None,
                }),
            }
        };
        Ok([
            checked("mean", &self.mean, |v| v.abs() < 1e6)?,
            checked("sd", &self.sd, |v| (1e-6..1e6).contains(&v))?,
        ])
    }

    fn unusable(&self, Unusable { found, expected }: Unusable) -> Error {
        Error::Mismatch {
            origin: Some(format!("`{}`", self.file)),
            found,
            expected: expected.into(),
            hint: Some("docs/onnx.md has the lines that export one".into()),
        }
    }
}

/// Some outputs of a network, for images of one size.
#[derive(Debug)]
pub(crate) struct Outputs {
    name: String,
    config: Onnx,
    image: ImageShape,
    mean: Vec<f32>,
    sd: Vec<f32>,
    /// Positions among the network's outputs.
    wanted: Vec<usize>,
    taps: Vec<Tap>,
    file: Arc<File>,
}

impl Outputs {
    fn run(&self, image: &[f32]) -> Result<Vec<Said>> {
        let channels = self.image.channels;
        let pixels = self.image.height * self.image.width;
        let mut input = Vec::with_capacity(pixels * self.mean.len());
        for (channel, (mean, sd)) in self.mean.iter().zip(&self.sd).enumerate() {
            // Grey is the same in all three.
            let values = image.iter().skip(channel % channels).step_by(channels);
            input.extend(values.map(|v| (0.5 * v + 0.5 - mean) / sd));
        }
        let size = [self.image.height, self.image.width];
        let said = self.file.graph.run(input, size, &self.wanted);
        said.map_err(|error| self.config.unusable(error))
    }
}

impl Network for Outputs {
    fn name(&self) -> &str {
        &self.name
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn maps(&self, image: &[f32]) -> Result<Vec<Map>> {
        let mut maps = Vec::with_capacity(self.taps.len());
        for (tap, said) in self.taps.iter().zip(self.run(image)?) {
            let [height, width] = tap.grid;
            match said {
                Said::Map(shape, values) if shape == [tap.channels, height, width] => {
                    maps.push(Map {
                        height,
                        width,
                        channels: tap.channels,
                        values: channels_last(&values, height * width),
                    });
                }
                _ => {
                    return Err(self.config.unusable(Unusable {
                        found: format!("an output `{}` whose shape depends on the image", tap.name),
                        expected: "maps of one shape for images of one size",
                    }));
                }
            }
        }
        Ok(maps)
    }

    fn has_own_threads(&self) -> bool {
        true
    }
}

/// `[channels, places]` → `[places, channels]`
fn channels_last(values: &[f32], places: usize) -> Vec<f32> {
    let channels = values.len() / places;
    let mut out = vec![0.0; values.len()];
    for (channel, map) in values.chunks_exact(places).enumerate() {
        for (to, v) in out[channel..].iter_mut().step_by(channels).zip(map) {
            *to = *v;
        }
    }
    out
}
