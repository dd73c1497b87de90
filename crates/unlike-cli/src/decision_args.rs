//! The options that say which samples are flagged.

use clap::Args;
use unlike_core::{Calibration, Decision, words};

use crate::{failure::Result, terminal};

/// The false-alarm rate unless the user asks for something else.
const DEFAULT_RATE: f64 = 0.01;

/// Which samples are flagged.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = "Decision")]
#[group(multiple = false)]
pub(crate) struct DecisionArgs {
    /// Flag p-values up to RATE: about this share of normal samples is flagged [default: 0.01]
    #[arg(long, value_name = "RATE")]
    false_alarms: Option<f64>,
    /// Flag as many as keep the expected share of normal samples among the flagged below RATE
    #[arg(long, value_name = "RATE")]
    fdr: Option<f64>,
    /// Flag raw scores of at least VALUE; promises nothing
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true)]
    threshold: Option<f64>,
}

impl DecisionArgs {
    /// The decision that was asked for; or else a false-alarm rate of 0.01, or the smallest that
    /// this calibration can promise, which the user is told.
    pub(crate) fn decision(&self, calibration: &Calibration) -> Result<Decision> {
        let asked = match (self.false_alarms, self.fdr, self.threshold) {
            (Some(rate), ..) => Some(Decision::FalseAlarms(rate)),
            (_, Some(rate), _) => Some(Decision::Fdr(rate)),
            (.., Some(value)) => Some(Decision::Threshold(value)),
            (None, None, None) => None,
        };
        if let Some(asked) = asked {
            return Ok(asked.validate()?);
        }
        let smallest = calibration.smallest_rate();
        if smallest <= DEFAULT_RATE {
            return Ok(Decision::FalseAlarms(DEFAULT_RATE));
        }
        terminal::say(
            "note",
            &format!(
                "the model is calibrated on {}, too few to promise a false-alarm rate of \
                 {DEFAULT_RATE}; flagging at {}, the smallest that they can promise",
                words::counted(calibration.len(), "held-out normal"),
                words::rate(smallest)
            ),
        );
        Ok(Decision::FalseAlarms(smallest))
    }
}

/// What a decision flags, as a clause that completes "flagged: …".
pub(crate) fn rule(decision: Decision) -> String {
    match decision {
        Decision::FalseAlarms(rate) => {
            format!(
                "samples with a p-value of at most {} are flagged",
                words::rate(rate)
            )
        }
        Decision::Fdr(rate) => {
            format!(
                "samples with a q-value of at most {} are flagged",
                words::rate(rate)
            )
        }
        Decision::Threshold(value) => format!("samples that score at least {value} are flagged"),
    }
}
