//! Work for threads that wait for others.

use std::sync::{Mutex, PoisonError};

use unlike_core::{Error, Result};

/// Calls `f` with each item, on as many plain threads as the pool has; the first error of the items in order.
pub(crate) fn on_threads<T: Send>(
    items: impl ExactSizeIterator<Item = T> + Send,
    f: impl Fn(T) -> Result<()> + Sync,
) -> Result<()> {
    let threads = rayon::current_num_threads().min(items.len());
    let items = Mutex::new(items.enumerate());
    let failed: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((at, item)) = next else { break };
                    if let Err(error) = f(item) {
                        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                        if failed.as_ref().is_none_or(|(first, _)| at < *first) {
                            *failed = Some((at, error));
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_done_and_the_first_error_told() {
        let done = Mutex::new(vec![0; 100]);
        on_threads(0..100, |at| {
            done.lock().unwrap()[at] += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(*done.lock().unwrap(), [1; 100]);
        let error = on_threads(0..100, |at| match at % 30 {
            17 => Err(Error::NotFinite {
                what: at.to_string(),
                location: String::new(),
                hint: None,
            }),
            _ => Ok(()),
        });
        assert!(error.unwrap_err().to_string().starts_with("17 "));
        on_threads(0..0, |_: usize| Err(Error::Interrupted)).unwrap();
    }
}
