//! Files that are read some rows at a time.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use pyo3::prelude::*;
use unlike_core::Result;
use unlike_data::{BadRows, Remarks, found};

use crate::{
    background,
    errors::all_worded,
    reading::{self, Options},
    samples::Samples,
};

/// Rows of files as a model knows them, in pieces, so that memory does not grow with the files.
#[pyclass(frozen, module = "unlike._unlike")]
pub(crate) struct Chunks {
    open: Arc<Mutex<Open>>,
}

struct Open {
    chunks: unlike_data::Chunks<'static>,
    remarks: Remarks,
    /// Whether rows that cannot be read are told of, each at its place.
    flags: bool,
}

impl Open {
    fn next(&mut self) -> Result<Option<Samples>> {
        let Some(chunk) = self.chunks.next()? else {
            return Ok(None);
        };
        self.remarks.merge(chunk.remarks);
        let unreadable = match self.flags {
            true => chunk.data.skipped().to_vec(),
            false => Vec::new(),
        };
        Ok(Some(Samples::with_unreadable(
            chunk.data.into_samples(),
            unreadable,
        )))
    }
}

impl Chunks {
    /// Opens the first file.
    pub(crate) fn open(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        options: Options,
        model: Arc<unlike::Judge>,
    ) -> PyResult<Self> {
        let open = background::run(py, move || {
            let options = reading::options_for(model.model(), options, false)?;
            let chunks = unlike_data::Chunks::open(&found(&paths)?, &options)?;
            // Groups are named as the whole column is read.
            let chunks = match model.model().grouped_by() {
                Some(_) => chunks.at_once(),
                None => chunks,
            };
            let unfit =
                move |samples: &unlike::Samples| model.model().preprocessing().unfit_rows(samples);
            Ok(Open {
                chunks: chunks.without(unfit),
                remarks: Remarks::default(),
                flags: options.bad_rows == BadRows::Flag,
            })
        })?;
        Ok(Self {
            open: Arc::new(Mutex::new(open)),
        })
    }
}

#[pymethods]
impl Chunks {
    /// The next rows; nothing after the end.
    fn next(&self, py: Python<'_>) -> PyResult<Option<Samples>> {
        let open = Arc::clone(&self.open);
        background::run(py, move || {
            open.lock().unwrap_or_else(PoisonError::into_inner).next()
        })
    }

    /// Checks that what was read is a table, and says what is worth knowing about it.
    fn finish(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let open = Arc::clone(&self.open);
        background::run(py, move || {
            let open = open.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(all_worded(&open.chunks.finish(&open.remarks)?))
        })
    }
}
