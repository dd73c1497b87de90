//! Building blocks of the model files: parameters, layers, initialisation, optimiser.

mod init;
mod layers;
mod optim;
mod param;

pub use init::Init;
pub use layers::{Linear, LinearJoint};
pub use optim::{Adam, AdamConfig, Average};
pub(crate) use param::join;
pub use param::{Network, Param, Pass, Visitor, network_arrays, restore_network};
pub use unlike_kernels::Activation;
