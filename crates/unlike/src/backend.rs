//! The one file that names the tensor framework; model files import their tensors from here.

pub use burn::tensor::{Device, Gradients, Tensor, TensorData};

use unlike_core::{Error, Result};

/// Finds a device by the name that the user gives.
///
/// # Errors
/// If this build has no such device.
pub fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::flex()),
        other => Err(Error::Setting {
            name: "device".into(),
            found: format!("`{other}`"),
            expected: DEVICES.join(" or "),
            hint: None,
        }),
    }
}

/// The devices of this build.
pub const DEVICES: &[&str] = &["cpu"];

/// The numbers of a tensor, in row-major order.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor
        .inner()
        .into_data()
        .convert::<f32>()
        .try_into_vec()
        .unwrap_or_default()
}

/// A tensor outside autodiff from row-major numbers.
pub(crate) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}
