//! Sheets of images: what a model makes of held-out normals, epoch by epoch and in the end.

use std::{
    fs,
    path::{Path, PathBuf},
};

use unlike::{Model, TrainConfig, train::Snapshot};
use unlike_core::{Error, ImageShape, Images, Result, Samples};

use super::{Raster, write_png};

/// Images in a row.
const COLUMNS: usize = 8;
/// Pixels of an image, at most.
const SIDE: usize = 128;
/// Epochs with a sheet, about.
const SHEETS: usize = 20;

const FOLDER: &str = "samples";
const OF_MODEL: &str = "model.png";

/// The sheets of one training: `samples/epoch-0001.png` and so on in its run folder, and
/// `samples/model.png` of the finished model.
#[derive(Debug)]
pub struct Sheets {
    folder: PathBuf,
    /// Held-out normals, always the same.
    inputs: Samples,
    seed: u64,
    epochs: usize,
}

impl Sheets {
    /// For the training of `config` on these samples, in the folder `run`; `None` for tables, which make no images.
    ///
    /// # Errors
    /// If there are too few samples to train.
    pub fn new(run: &Path, config: &TrainConfig, samples: &Samples) -> Result<Option<Self>> {
        if let Samples::Table(_) = samples {
            return Ok(None);
        }
        let (n, seed) = (samples.len(), config.seed);
        let positions = config.hold_out.examples(n, seed, COLUMNS)?;
        Ok(Some(Self {
            folder: run.join(FOLDER),
            inputs: samples.select(&positions),
            seed,
            epochs: config.epochs,
        }))
    }

    /// Whether this epoch gets a sheet: every one of a short training, the first and every few of a
    /// long one.
    pub fn is_due(&self, epoch: usize) -> bool {
        epoch == 1 || epoch.is_multiple_of(stride(self.epochs, SHEETS)) || epoch == self.epochs
    }

    /// Draws the sheet of an epoch, and writes it; `None` if the model generates nothing.
    ///
    /// # Errors
    /// If an image can no longer be read, or the file cannot be written.
    pub fn add(&self, epoch: usize, snapshot: &Snapshot<'_>) -> Result<Option<Raster>> {
        let reconstructions = snapshot.reconstructions(&self.inputs)?;
        let generated = snapshot.generated(COLUMNS, self.seed)?;
        self.write(&file_of(epoch), reconstructions, generated)
    }

    /// Draws the sheet of the finished model, and writes it, if it generates anything.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn finish(&self, model: &Model) -> Result<()> {
        let reconstructions = model.reconstructions(&self.inputs)?;
        let generated = model.generated(COLUMNS, self.seed)?;
        self.write(OF_MODEL, reconstructions, generated).map(drop)
    }

    /// The PNG file that an earlier process drew of an epoch, if it did.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn earlier(&self, epoch: usize) -> Result<Option<Vec<u8>>> {
        read(&self.folder.join(file_of(epoch)))
    }

    fn write(
        &self,
        name: &str,
        reconstructions: Option<Images>,
        generated: Option<Images>,
    ) -> Result<Option<Raster>> {
        let sheet = draw(&self.inputs, reconstructions.as_ref(), generated.as_ref())?;
        let Some(sheet) = sheet else {
            return Ok(None);
        };
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        write_png(&self.folder.join(name), &sheet)?;
        Ok(Some(sheet))
    }
}

fn file_of(epoch: usize) -> String {
    format!("epoch-{epoch:04}.png")
}

/// The sheet of a finished model, for a report, if this run folder has one.
///
/// # Errors
/// If it cannot be read.
pub fn of_model(run: &Path) -> Result<Option<unlike_report::Image>> {
    let png = read(&run.join(FOLDER).join(OF_MODEL))?;
    Ok(png.map(|png| unlike_report::Image {
        title: "Held-out normals as the model sees them".into(),
        caption: Some(
            "Each column is a normal sample that did not train. First row: the sample. Where the \
             model reconstructs: second row, its reconstruction; third row, where the two differ \
             (dark: not at all, yellow: by half of the range or more). Where the model generates \
             samples out of noise: the last row, eight of them."
                .into(),
        ),
        png,
    }))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", path)(e)),
    }
}

/// Removes the sheets of an earlier training, and their folder if it holds nothing else.
///
/// # Errors
/// If the system refuses.
pub fn remove(run: &Path) -> Result<()> {
    let folder = run.join(FOLDER);
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry.map_err(Error::io("read", &folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name == OF_MODEL || name.starts_with("epoch-") && name.ends_with(".png") {
            fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        }
    }
    // Refused by the system unless it is empty, which is what is wanted.
    _ = fs::remove_dir(&folder);
    Ok(())
}

/// Rows of inputs, reconstructions, residuals and generated samples, as far as there are any.
fn draw(
    inputs: &Samples,
    reconstructions: Option<&Images>,
    generated: Option<&Images>,
) -> Result<Option<Raster>> {
    let Samples::Images(inputs) = inputs else {
        return Ok(None);
    };
    let all = |images: &Images| -> Result<Vec<Raster>> {
        let of = |i| Ok(Raster::of_image(images, i)?.scaled(SIDE));
        (0..images.len()).map(of).collect()
    };
    let mut rows = Vec::new();
    if let Some(reconstructions) = reconstructions {
        rows.extend([
            all(inputs)?,
            all(reconstructions)?,
            residuals(inputs, reconstructions)?,
        ]);
    }
    rows.extend(generated.map(all).transpose()?);
    if rows.len() == 1 {
        // Something to compare the generated samples with.
        rows.insert(0, all(inputs)?);
    }
    Ok(Raster::grid(&rows))
}

/// Where images and reconstructions differ: the mean over the channels, and the lightest colour
/// for half of the range from -1 to 1.
fn residuals(inputs: &Images, reconstructions: &Images) -> Result<Vec<Raster>> {
    let ImageShape {
        width, channels, ..
    } = inputs.shape();
    let (inputs_read, rebuilt) = (inputs.pixels()?, reconstructions.pixels()?);
    let map: Vec<f32> = inputs_read
        .chunks_exact(channels)
        .zip(rebuilt.chunks_exact(channels))
        .map(|(x, y)| x.iter().zip(y).map(|(x, y)| (x - y).abs()).sum::<f32>() / channels as f32)
        .collect();
    Ok(map
        .chunks_exact((map.len() / inputs.len().max(1)).max(1))
        .map(|map| Raster::of_map(map, width).scaled(SIDE))
        .collect())
}

/// The smallest of 1, 2, 5, 10, 20, 50, … of which there are at most `most` in `count`: every how many
/// epochs something is shown.
pub fn stride(count: usize, most: usize) -> usize {
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)));
    steps
        .take_while(|step| step / 10 <= count)
        .find(|step| count / step <= most)
        .unwrap_or(count.max(1))
}

#[cfg(test)]
mod tests {
    use super::super::raster::tests::decoded;
    use super::*;

    fn images(value: f32) -> Images {
        let ids = ["a", "b"].map(str::to_owned).to_vec();
        Images::new("i", [2, 2, 1], vec![value; 8], ids).unwrap()
    }

    #[test]
    fn a_sheet_has_a_row_for_each_thing_that_the_model_makes() {
        let inputs = Samples::Images(images(1.0));
        let height = |sheet: Raster| (sheet.size()[1] + 4) / (128 + 4);
        assert_eq!(draw(&inputs, None, None).unwrap(), None);
        let both = draw(&inputs, Some(&images(0.0)), Some(&images(-1.0)))
            .unwrap()
            .unwrap();
        let (width, _, pixels) = decoded(&both.png().unwrap());
        let row = |row: usize| pixels[(row * 132 + 5) * width];
        assert_eq!([row(0), row(1), row(3)], [[255; 3], [128; 3], [0; 3]]);
        // A difference of half of the range is as light as it gets.
        assert_eq!(row(2), super::super::heat::heat(1.0));
        assert_eq!(height(both), 4);
        let rebuilt = draw(&inputs, Some(&images(0.0)), None).unwrap().unwrap();
        assert_eq!(height(rebuilt), 3);
        let generated = draw(&inputs, None, Some(&images(0.0))).unwrap().unwrap();
        assert_eq!(height(generated), 2);
    }

    #[test]
    fn strides_are_round_and_leave_few() {
        assert_eq!(
            [20, 21, 40, 41, 1600].map(|n| stride(n, 20)),
            [1, 2, 2, 2, 100]
        );
    }
}
