//! Telling a training that has run away from one that is hard.
//!
//! A network whose learning rate is too high often diverges without ever leaving the finite numbers:
//! its losses settle at 1e25, its scores are finite, and a model comes out of it that means nothing.

use std::borrow::Borrow;

use unlike_core::{Error, Result};

use super::EpochReport;

/// How often its value in the first epoch (or 1, if that is more) a mean over an epoch may come to.
///
/// Networks compute in single precision, which resolves 24 bits: beyond this, all that the loss was
/// in the first epoch is lost in its rounding, and so is what the samples say. Trainings that lead
/// anywhere stay within some tens of their first epoch, and an epoch so far off is not come back
/// from.
const GROWTH: f64 = (1 << 24) as f64;

/// What no loss may exceed at any step, the first epoch included, which has none before it.
///
/// Features lie within ±1e6 (the limit of `unlike-data`), so that two of them differ by 2e6 and in a
/// square by 4e12 at most. This is 250 times as much: no mean comes to it, nor any sum over samples
/// of which not every feature is as far off as features can be.
const LARGEST: f64 = 1e15;

pub(super) const HINT: &str = "lower the learning rate, set `clip` under `[model.training.adam]` (1.0, say), or \
                               look for columns with extreme values";

/// Refuses the losses of a step that are beyond all measure.
pub(super) fn check_losses(
    losses: &[(impl Borrow<str>, f64)],
    place: impl Fn() -> String,
) -> Result<()> {
    match losses.iter().find(|(_, value)| value.abs() > LARGEST) {
        None => Ok(()),
        Some((name, value)) => Err(diverged(
            format!("the loss `{}`", name.borrow()),
            *value,
            place(),
            format!("at most {LARGEST:e}"),
        )),
    }
}

/// Refuses an epoch that is beyond all measure, or beyond that of the first one.
pub(super) fn check_epoch(first: Option<&EpochReport>, now: &EpochReport) -> Result<()> {
    let place = || format!(", mean over epoch {}", now.epoch);
    check_losses(&now.losses, place)?;
    let part = now.held_out.first().map_or("", |part| &part.part);
    let held_out = format!("the score part `{part}` of held-out normals");
    // Stages that cannot score yet are not measured.
    if !now.held_out.is_empty() && now.criterion().abs() > LARGEST {
        let expected = format!("at most {LARGEST:e}");
        return Err(diverged(held_out, now.criterion(), place(), expected));
    }
    let Some(first) = first else {
        return Ok(());
    };
    let grown = |what: String, value: f64, first: f64| {
        let bound = GROWTH * first.abs().max(1.0);
        if value.abs() <= bound {
            return Ok(());
        }
        let expected =
            format!("at most {bound:.1e}, the first epoch's {first:.2e} being far below");
        Err(diverged(what, value, place(), expected))
    };
    for (name, value) in &now.losses {
        let before = first.losses.iter().find(|(n, _)| n == name);
        let before = before.map_or(0.0, |(_, value)| *value);
        grown(format!("the loss `{name}`"), *value, before)?;
    }
    match first.held_out.is_empty() || now.held_out.is_empty() {
        true => Ok(()),
        false => grown(held_out, now.criterion(), first.criterion()),
    }
}

fn diverged(what: String, value: f64, location: String, expected: String) -> Error {
    Error::Diverged {
        what,
        found: format!("{value:.2e}"),
        location,
        expected,
        hint: Some(HINT.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::HeldOutPart;

    fn epoch(epoch: usize, loss: f64, mean: f64) -> EpochReport {
        EpochReport {
            epoch,
            losses: vec![("generator".into(), loss)],
            held_out: vec![HeldOutPart {
                part: "residual".into(),
                mean,
                sd: 1.0,
            }],
            best_so_far: true,
            warnings: Vec::new(),
            samples_per_second: 0.0,
            seconds: 0.0,
        }
    }

    #[test]
    fn what_grows_beyond_all_measure_is_told_and_what_is_only_large_is_not() {
        let first = epoch(1, 0.7, 2e4);
        for fine in [
            epoch(2, 1e6, 2e4),
            epoch(2, -1e6, 3e11),
            epoch(2, 0.0, 1e-9),
        ] {
            check_epoch(Some(&first), &fine).unwrap();
        }
        check_epoch(None, &epoch(1, 1e12, 1e14)).unwrap();
        for (first, bad, word) in [
            (Some(&first), epoch(3, 1e25, 2e4), "`generator`"),
            (Some(&first), epoch(3, -2e7, 2e4), "`generator`"),
            (Some(&first), epoch(3, 0.7, 4e11), "`residual`"),
            (None, epoch(1, 2e15, 1.0), "`generator`"),
            (None, epoch(1, 1.0, 2e15), "`residual`"),
        ] {
            let error = check_epoch(first, &bad).unwrap_err();
            assert!(matches!(error, Error::Diverged { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(word), "{text}");
            assert!(text.contains(&format!("epoch {}", bad.epoch)), "{text}");
            assert!(error.hint().is_some());
        }
    }
}
