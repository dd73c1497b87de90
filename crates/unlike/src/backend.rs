//! The one file that names the tensor framework; model files import their tensors from here.

pub use burn_tensor::{Device, Gradients, Tensor, TensorData};

use unlike_core::{Error, Result};

/// The devices of this build, as flags spell them: `cpu`, and with the feature `wgpu` the graphics
/// processor that Vulkan, Metal or DirectX 12 offer.
pub const DEVICES: &[&str] = match cfg!(feature = "wgpu") {
    true => &["cpu", "wgpu"],
    false => &["cpu"],
};

/// Finds a device by the name that the user gives.
///
/// # Errors
/// If this build has no such device, or this machine has no driver for it.
pub fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(graphics::adapter()?.device.clone()),
        other => Err(unknown(other)),
    }
}

/// What stands behind a device's name, for people and for the record of a run: `cpu`, or the name
/// with the adapter's own, such as `wgpu: NVIDIA GeForce RTX 4090, Vulkan`.
///
/// # Errors
/// As [`device`].
pub fn describe(name: &str) -> Result<String> {
    match name {
        "cpu" => Ok("cpu".to_owned()),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(graphics::adapter()?.description.clone()),
        other => Err(unknown(other)),
    }
}

fn unknown(name: &str) -> Error {
    // Without the feature only: with it, the name is known.
    let compiled_out = name == "wgpu";
    Error::Setting {
        name: "device".into(),
        found: match compiled_out {
            true => "`wgpu`, which this build was compiled without".into(),
            false => format!("`{name}`"),
        },
        expected: DEVICES.join(" or "),
        hint: compiled_out.then(|| "compile unlike with its feature `wgpu`".into()),
    }
}

/// The graphics processor.
#[cfg(feature = "wgpu")]
mod graphics {
    use std::sync::OnceLock;

    use burn_tensor::wgpu::{WgpuBackend, WgpuInitError, WgpuOptions, wgpu::DeviceType};
    use unlike_core::{Error, Result};

    use super::Device;

    pub(super) struct Adapter {
        pub(super) device: Device,
        pub(super) description: String,
    }

    /// The best adapter of this machine, opened once in a process.
    ///
    /// `Device::wgpu` would open it with the first tensor, and panic where there is none.
    pub(super) fn adapter() -> Result<&'static Adapter> {
        static OPENED: OnceLock<Result<Adapter, String>> = OnceLock::new();
        let opened = OPENED.get_or_init(|| open().map_err(|error| reason(&error)));
        opened.as_ref().map_err(|reason| Error::Setting {
            name: "device".into(),
            found: format!("`wgpu`, {reason}"),
            expected: "cpu, or wgpu on a machine with a graphics driver".into(),
            hint: Some(
                "`vulkaninfo` shows what Vulkan drivers there are; Mesa's lavapipe is one \
                 in software"
                    .into(),
            ),
        })
    }

    fn open() -> Result<Adapter, WgpuInitError> {
        let (device, setup) = options().init_with_setup()?;
        let adapter = setup.adapter.get_info();
        let software = match adapter.device_type {
            DeviceType::Cpu => " in software",
            _ => "",
        };
        Ok(Adapter {
            device,
            description: format!("wgpu: {}, {:?}{software}", adapter.name, adapter.backend),
        })
    }

    /// Vulkan alone on Linux and its like, where Burn would fall back to OpenGL.
    fn options() -> WgpuOptions {
        let options = Device::wgpu_options();
        match cfg!(all(unix, not(target_vendor = "apple"))) {
            true => options.graphics_api(WgpuBackend::Vulkan),
            false => options,
        }
    }

    fn reason(error: &WgpuInitError) -> String {
        match error {
            WgpuInitError::AdapterUnavailable { .. } => {
                "for which no graphics adapter was found".to_owned()
            }
            other => format!("whose adapter could not be opened ({other})"),
        }
    }
}

/// The numbers of a tensor, in row-major order.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    match tensor.inner().into_data().convert::<f32>().try_into_vec() {
        Ok(values) => values,
        Err(error) => unreachable!("data of 32-bit numbers are not: {error}"),
    }
}

/// A tensor outside autodiff from row-major numbers.
pub(crate) fn tensor<const D: usize>(
    values: Vec<f32>,
    shape: [usize; D],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_device_is_told_apart_from_one_that_was_not_compiled_in() {
        let Err(error) = device("tpu") else {
            panic!("a device that nobody has")
        };
        assert_eq!(
            error.to_string(),
            format!("`device` is `tpu`; expected {}", DEVICES.join(" or "))
        );
        assert_eq!(error.hint(), None);
        #[cfg(not(feature = "wgpu"))]
        {
            let Err(error) = describe("wgpu") else {
                panic!("a device that this build does not have")
            };
            let text = error.to_string();
            assert!(text.contains("compiled without"), "{text}");
            assert!(
                error
                    .hint()
                    .is_some_and(|h| h.contains("its feature `wgpu`"))
            );
        }
    }
}
