//! Running the binary, and small files to run it on.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;

/// A folder to run the binary in; gone after the test.
pub(crate) struct Place {
    folder: TempDir,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Fails the test, showing everything, unless the exit code is this.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        let Self {
            code: found,
            stdout,
            stderr,
        } = &self;
        assert_eq!(
            *found, code,
            "exit code\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Every file below the folder, by name, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        walk(self.folder.path(), self.folder.path(), &mut files);
        files.sort();
        files
    }

    /// The binary with these words, to be started.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_unlike"));
        command
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the binary with these words.
    pub(crate) fn run(&self, line: &str) -> Ran {
        finish(self.command(line))
    }

    /// Runs a line of `sh`, in which `unlike` is the binary.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let mut command = Command::new("sh");
        let line = line.replace("unlike ", concat!("'", env!("CARGO_BIN_EXE_unlike"), "' "));
        command.args(["-c", &line]).current_dir(self.folder.path());
        finish(command)
    }
}

fn finish(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, files);
        } else {
            files.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

/// The settings of a training of a second or less.
pub(crate) const SMALL: &str = "epochs = 3
batch_size = 16
members = 1
[model]
latent = 4
[model.networks]
encoder = [16]
generator = [16]
discriminator_x = [16]
discriminator_z = [16]
discriminator_joint = [16]
[model.training]
ema = 0.9
[model.training.adam]
learning_rate = 0.003
";

/// Deterministic numbers in [0, 1), without pattern.
pub(crate) fn noise(i: usize) -> f64 {
    let hash = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64
}

/// Rows of `size,speed,colour,label`: speed follows size; anomalies (every tenth row, label 1) are
/// too fast.
pub(crate) fn flows(rows: usize, from: usize) -> String {
    let mut text = "size,speed,colour,label\n".to_owned();
    for i in from..from + rows {
        let size = noise(3 * i);
        let anomalous = i % 10 == 9;
        let excess = if anomalous { 2.0 } else { 0.0 };
        let speed = 2.0 * size + 0.1 * noise(3 * i + 1) + excess;
        let colour = ["red", "green", "blue"][(3.0 * noise(3 * i + 2)) as usize];
        text.push_str(&format!(
            "{size:.4},{speed:.4},{colour},{}\n",
            u8::from(anomalous)
        ));
    }
    text
}

/// The same text compressed.
pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A model trained once for all tests, as bytes: EGBAD on 600 rows of [`flows`], small.
pub(crate) fn model() -> &'static [u8] {
    static MODEL: OnceLock<Vec<u8>> = OnceLock::new();
    MODEL.get_or_init(|| {
        let place = ready_to_train(600);
        place
            .run("train flows.csv --model egbad --config small.toml --label-column label --out run")
            .ends_with(0);
        place.read("run/model.safetensors")
    })
}

/// A folder with so many rows of [`flows`] as `flows.csv`, and [`SMALL`] as `small.toml`.
pub(crate) fn ready_to_train(rows: usize) -> Place {
    let place = Place::new();
    place.write("flows.csv", flows(rows, 0));
    place.write("small.toml", SMALL);
    place
}

/// A folder with that model as `model.safetensors` and new rows as `new.csv`.
pub(crate) fn with_model() -> Place {
    let place = Place::new();
    place.write("model.safetensors", model());
    place.write("new.csv", flows(200, 1000));
    place
}
