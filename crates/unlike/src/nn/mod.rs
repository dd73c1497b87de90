//! Building blocks of the model files: parameters, layers, initialisation, optimiser.

mod conv;
mod init;
mod layers;
mod norm;
mod optim;
mod param;
mod spectral;

pub use conv::{Conv, Window};
pub use init::Init;
pub use layers::{Linear, LinearJoint, Mlp};
pub use norm::Norm;
pub use optim::{Adam, AdamConfig, Average, restore_averaged, save_averaged, scoring, warmed};
pub(crate) use param::join;
pub use param::{Network, Param, Pass, Visitor, network_arrays, restore_network};
pub use spectral::Spectral;
pub use unlike_kernels::Activation;
