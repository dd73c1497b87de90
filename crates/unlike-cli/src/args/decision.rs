//! The options that say which samples are flagged.

use clap::{Args, builder::PossibleValuesParser};
use unlike::{Judge, Model, Ties};
use unlike_core::{Decision, Result};

/// Which samples are flagged.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Decision")]
pub(crate) struct DecisionArgs {
    /// Flag p-values up to RATE: about this share of normal samples is flagged [default: 0.01]
    #[arg(long, value_name = "RATE", group = "decision")]
    false_alarms: Option<f64>,
    /// Flag as many as keep the expected share of normal samples among the flagged below RATE
    #[arg(long, value_name = "RATE", group = "decision")]
    fdr: Option<f64>,
    /// With --fdr: estimate how many of the batch are normal (Storey), and flag more where few are
    #[arg(long, requires = "fdr")]
    storey: bool,
    /// What counts of held-out normals that score exactly as a sample: all of them as scoring higher
    /// (above), half (half; promises nothing), or a random number (random; keeps promises exactly)
    /// [default: above]
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(Ties::ALL.map(Ties::name)))]
    ties: Option<String>,
    /// Flag raw scores of at least VALUE; promises nothing
    #[arg(
        long,
        value_name = "VALUE",
        group = "decision",
        allow_negative_numbers = true
    )]
    threshold: Option<f64>,
    /// Flag the K highest scores, and say how many of them would be normal if all were
    #[arg(long, value_name = "K", group = "decision")]
    budget: Option<usize>,
}

impl DecisionArgs {
    /// A judge by the model's score and the decision that was asked for, if one was.
    pub(crate) fn judge(&self, model: Model) -> Result<Judge> {
        let ties = self.ties.as_deref().map(str::parse).transpose()?;
        let judge = Judge::new(model).with_ties(ties.unwrap_or_default());
        let fdr = match self.storey {
            true => Decision::FdrStorey,
            false => Decision::Fdr,
        };
        let asked = (self.false_alarms.map(Decision::FalseAlarms))
            .or(self.fdr.map(fdr))
            .or(self.threshold.map(Decision::Threshold))
            .or(self.budget.map(Decision::Budget));
        match asked {
            Some(decision) => judge.with_decision(decision),
            None => Ok(judge),
        }
    }
}
