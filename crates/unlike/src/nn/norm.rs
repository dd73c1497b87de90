//! Batch normalisation, and weights with it folded in.

use std::sync::{Mutex, MutexGuard, PoisonError};

use unlike_core::Result;
use unlike_kernels::{
    Activation, Dropout, NormInputs, batch_norm_train, batch_norm_train_twice, fold_batch_norm,
};

use super::{Network, Param, Pass, Visitor, join, weights::Weights};
use crate::backend::Tensor;

/// Added to the variance, PyTorch's default.
const EPSILON: f32 = 1e-5;
/// Share of a batch in the running statistics, PyTorch's default.
const MOMENTUM: f32 = 0.1;

/// Batch normalisation over the last axis (Ioffe & Szegedy 2015).
///
/// Training passes use the batch's own statistics and fold them into running ones, with which
/// scoring works: so a score depends on no other sample.
#[derive(Debug)]
pub struct Norm {
    gamma: Param<1>,
    beta: Param<1>,
    /// Behind a lock because a forward pass, which only borrows its network, moves them.
    running: Mutex<Running>,
}

#[derive(Clone, Debug)]
struct Running {
    mean: Tensor<1>,
    variance: Tensor<1>,
}

impl Norm {
    /// Over this many channels. γ starts near 1, by this spread, and β at 0.
    pub(super) fn build(
        path: &str,
        channels: usize,
        spread: f32,
        weights: &mut Weights<'_>,
    ) -> Result<Self> {
        Ok(Self {
            gamma: weights.around_one(&join(path, "gamma"), channels, spread)?,
            beta: weights.vector(&join(path, "beta"), channels, 0.0)?,
            running: Mutex::new(Running {
                mean: weights.statistic(&join(path, "running_mean"), channels, 0.0)?,
                variance: weights.statistic(&join(path, "running_variance"), channels, 1.0)?,
            }),
        })
    }

    /// x [.., C] → [.., C], with the statistics of this batch.
    pub(super) fn train<const D: usize>(
        &self,
        x: Tensor<D>,
        activation: Activation,
        dropout: Option<Dropout>,
        pass: Pass,
    ) -> Tensor<D> {
        let dims = x.dims();
        let count = dims.iter().product::<usize>() / dims[D - 1].max(1);
        let (gamma, beta) = (self.gamma.get(pass), self.beta.get(pass));
        let out = batch_norm_train(x, gamma, beta, EPSILON, activation, dropout);
        if let Pass::Train { .. } = pass {
            self.remember(out.mean, out.variance, count);
        }
        out.y
    }

    /// [`train`](Self::train) of the same x [.., C] in two roles: parameters frozen, and trained.
    pub(super) fn train_twice<const D: usize>(
        &self,
        [frozen, trained]: [Tensor<D>; 2],
        activation: Activation,
        dropout: Option<Dropout>,
    ) -> [Tensor<D>; 2] {
        let dims = trained.dims();
        let count = dims.iter().product::<usize>() / dims[D - 1].max(1);
        let train = Pass::Train { dropout: 0 };
        let (gamma, beta) = (self.gamma.get(train), self.beta.get(train));
        let inputs = [
            NormInputs {
                x: frozen,
                gamma: gamma.clone().inner(),
                beta: beta.clone().inner(),
            },
            NormInputs {
                x: trained,
                gamma,
                beta,
            },
        ];
        let [frozen, trained] = batch_norm_train_twice(inputs, EPSILON, activation, dropout);
        self.remember(trained.mean, trained.variance, count);
        [frozen.y, trained.y]
    }

    /// Moves the running statistics towards those of a batch of `count` numbers per channel.
    fn remember(&self, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
        let unbiased = count as f32 / (count.max(2) - 1) as f32;
        let mut running = lock(&self.running);
        let old = running.clone();
        *running = Running {
            mean: old.mean * (1.0 - MOMENTUM) + mean * MOMENTUM,
            variance: old.variance * (1.0 - MOMENTUM) + variance * (MOMENTUM * unbiased),
        };
    }

    /// The weights and bias of a layer that does what `w`, `b` and then this does with running
    /// statistics.
    pub(super) fn fold<const D: usize>(
        &self,
        w: Tensor<D>,
        b: Option<Tensor<1>>,
    ) -> (Tensor<D>, Tensor<1>) {
        let Running { mean, variance } = lock(&self.running).clone();
        let (gamma, beta) = (self.gamma.get(Pass::Score), self.beta.get(Pass::Score));
        fold_batch_norm(w, b, mean, variance, gamma, beta, EPSILON)
    }
}

impl Clone for Norm {
    fn clone(&self) -> Self {
        Self {
            gamma: self.gamma.clone(),
            beta: self.beta.clone(),
            running: Mutex::new(lock(&self.running).clone()),
        }
    }
}

impl Network for Norm {
    fn visit(&mut self, path: &str, visitor: &mut impl Visitor) {
        visitor.param(&join(path, "gamma"), &mut self.gamma);
        visitor.param(&join(path, "beta"), &mut self.beta);
        let running = self
            .running
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        visitor.buffer(&join(path, "running_mean"), &mut running.mean);
        visitor.buffer(&join(path, "running_variance"), &mut running.variance);
    }
}

/// Weights as scoring uses them, made once and kept until they are visited, which is the only way
/// to change them, or until a training pass moves running statistics.
#[derive(Debug)]
pub(super) struct Ready<W>(Mutex<Option<W>>);

impl<W: Clone> Ready<W> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(super) fn get(&self, make: impl FnOnce() -> W) -> W {
        lock(&self.0).get_or_insert_with(make).clone()
    }

    pub(super) fn forget(&self) {
        *lock(&self.0) = None;
    }
}

impl<W: Clone> Clone for Ready<W> {
    /// The copy makes its own when it needs them.
    fn clone(&self) -> Self {
        Self::new()
    }
}

/// A panic elsewhere leaves tensors whole: they are replaced, never changed in place.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
