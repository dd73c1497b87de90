//! The module `unlike._unlike`: the library behind the Python package.
//!
//! It holds no logic of its own. `samples` (with `values` and `arrow`) makes the library's samples of arrays,
//! frames and images in memory, `reading` of files, `chunks` of files that are larger than memory; `training`
//! fits, `model` explains, `batch` scores and decides, `scores` is a table of that, `stability` says how
//! sure decisions are, `report` shows. All of them hand their work to `background`, so that Ctrl-C is heard while it runs, and their errors
//! to `errors`, which words them for Python. `registry` tells the package which models and settings there are.

mod arrow;
mod background;
mod batch;
mod chunks;
mod errors;
mod model;
mod reading;
mod registry;
mod report;
mod samples;
mod scores;
mod stability;
mod training;
mod values;

use std::ffi::OsString;

use pyo3::prelude::*;

/// As in the program `unlike`: training and scoring ask for buffers of some megabytes at every step, which
/// mimalloc keeps and reuses. It serves this module alone, not Python.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs the command line and gives its exit code; `program` is what starts such a command.
#[pyfunction]
fn main(py: Python<'_>, program: Vec<OsString>, words: Vec<OsString>) -> PyResult<u8> {
    background::briefly(py, || Ok(unlike_cli::run(program, words)))
}

#[pymodule(gil_used = false)]
fn _unlike(module: &Bound<'_, PyModule>) -> PyResult<()> {
    background::loaded();
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<samples::Samples>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<batch::Batch>()?;
    module.add_class::<chunks::Chunks>()?;
    module.add_class::<scores::Scores>()?;
    module.add_class::<report::Report>()?;
    module.add_class::<stability::Stability>()?;
    module.add_function(wrap_pyfunction!(main, module)?)?;
    module.add_function(wrap_pyfunction!(background::set_threads, module)?)?;
    module.add_function(wrap_pyfunction!(reading::read_for_training, module)?)?;
    module.add_function(wrap_pyfunction!(registry::models, module)?)?;
    module.add_function(wrap_pyfunction!(registry::recommended, module)?)?;
    module.add_function(wrap_pyfunction!(stability::auroc, module)?)?;
    module.add_function(wrap_pyfunction!(stability::tail, module)?)?;
    module.add_function(wrap_pyfunction!(report::load_report, module)?)?;
    module.add_function(wrap_pyfunction!(training::fit, module)?)
}
