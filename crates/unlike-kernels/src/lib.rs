//! Fused neural-network blocks for Burn: the same functions on every device, with own kernels
//! where Burn's are slow (the `flex` CPU backend) and compositions of Burn's operations elsewhere.
//!
//! Tensors are Burn's run-time-device tensors. Images are NHWC, weights of linear layers `[I, O]`,
//! weights of convolutions `[K, K, Ci, Co]`.

#![allow(
    clippy::too_many_arguments,
    clippy::type_complexity,
    clippy::needless_range_loop,
    reason = "kernels take their dimensions one by one, and index as their formulas do"
)]

mod activation;
mod blocks;
mod composite;
mod conv;
mod cpu;
mod dropout;
mod linear;
mod loss;
mod norm;
mod optim;
mod shape;
mod slope;
mod spectral;
#[cfg(test)]
mod tests;

pub use activation::Activation;
pub use blocks::{AdamStep, BatchNormTrain, ConvInputs, Dense, NormInputs, Reduction, Source};
pub use conv::{FrozenWeight, conv_transpose2d, conv2d, conv2d_twice};
pub use cpu::{
    frozen::{Depthwise, Pointwise},
    instruction_set, instruction_sets,
    threads::{set_threads, threads},
    use_instruction_set,
};
pub use dropout::Dropout;
pub use linear::{dense, linear, linear_joint};
pub use loss::{bce_with_logits, bce_with_logits_rows, l1, l1_rows, mse, mse_rows};
pub use norm::{batch_norm_eval, batch_norm_train, batch_norm_train_twice, fold_batch_norm};
pub use optim::{adam, adam_all, aligned, ema};
pub use shape::{flat, reshaped, zeros};
pub use slope::{between, distances, length_penalty, mean, swap_last, through_slope};
pub use spectral::{over, unit};
