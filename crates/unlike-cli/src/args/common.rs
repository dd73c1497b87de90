//! The options that every command takes.

use std::num::NonZeroUsize;

/// Options that every command takes.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Common {
    /// Print one JSON document on stdout, errors included
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) json: bool,
    /// Write nothing to stderr but errors: no progress, and no notes, which --json
    /// has anyway
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub(crate) quiet: bool,
    /// Threads to use; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere", value_parser = threads)]
    threads: Option<NonZeroUsize>,
}

impl Common {
    /// The number of threads, if the user named one.
    pub(crate) fn threads(&self) -> Option<usize> {
        self.threads.map(NonZeroUsize::get)
    }
}

/// A number of threads that a machine can have.
fn threads(text: &str) -> Result<NonZeroUsize, String> {
    const MOST: usize = 1024;
    let number = text
        .parse()
        .map_err(|_| "expected a number from 1 up".to_owned())?;
    match number {
        number if NonZeroUsize::get(number) <= MOST => Ok(number),
        _ => Err(format!("expected at most {MOST}")),
    }
}

/// A seed: any whole number of 64 bits; the same text always gives the same one.
pub(crate) fn seed(text: &str) -> Result<u64, String> {
    let number: i128 = text
        .parse()
        .map_err(|_| "expected a whole number".to_owned())?;
    match (u64::try_from(number), i64::try_from(number)) {
        (Ok(seed), _) => Ok(seed),
        // Files of settings hold 63 bits; negative numbers count down from the largest.
        (_, Ok(negative)) => Ok((negative & i64::MAX) as u64),
        _ => Err("expected a whole number of 64 bits".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{seed, threads};

    #[test]
    fn threads_are_as_many_as_a_machine_can_have() {
        assert_eq!(threads("64").unwrap().get(), 64);
        for text in ["0", "-1", "1000000", "many"] {
            assert!(threads(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seeds_may_be_negative() {
        assert_eq!(seed("7"), Ok(7));
        assert_eq!(seed("-1"), Ok(i64::MAX as u64));
        assert_eq!(seed("-2"), Ok(i64::MAX as u64 - 1));
        assert!(seed("1.5").is_err() && seed("99999999999999999999").is_err());
    }
}
