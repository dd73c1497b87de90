//! What networks are made of. A method writes them down as [`Plan`]s; [`Networks`] draws their
//! weights, moves, averages and saves them; [`Trained`] is what scores.

mod conv;
mod dense;
mod descent;
mod init;
mod net;
mod networks;
mod norm;
mod optim;
mod param;
mod plan;
mod pyramid;
mod spectral;
#[cfg(test)]
mod tests;
mod weights;

pub use conv::Window;
#[cfg(test)]
pub(crate) use descent::Moving;
pub use descent::{Descent, Plateau, Rate, Rates};
pub use init::Init;
pub use net::Net;
pub use networks::{Networks, Trained, Training};
pub use norm::Norm;
pub use optim::AdamConfig;
pub(crate) use param::join;
pub use param::{Network, Param, Pass, Visitor, network_arrays};
pub use plan::{Layer, Plan, Value, conv, conv_up, dense, hidden};
pub use pyramid::Pyramid;
pub use spectral::Spectral;
pub use unlike_kernels::Activation;
