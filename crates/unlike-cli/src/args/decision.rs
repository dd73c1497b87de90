//! The options that say which samples are flagged.

use clap::Args;
use unlike::{Judge, Model};
use unlike_core::{Decision, Result};

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
    /// Flag the K highest scores, and say how many of them would be normal if all were
    #[arg(long, value_name = "K")]
    budget: Option<usize>,
}

impl DecisionArgs {
    /// A judge by the model's score and the decision that was asked for, if one was.
    pub(crate) fn judge(&self, model: Model) -> Result<Judge> {
        let judge = Judge::new(model);
        let asked = (self.false_alarms.map(Decision::FalseAlarms))
            .or(self.fdr.map(Decision::Fdr))
            .or(self.threshold.map(Decision::Threshold))
            .or(self.budget.map(Decision::Budget));
        match asked {
            Some(decision) => judge.with_decision(decision),
            None => Ok(judge),
        }
    }
}
