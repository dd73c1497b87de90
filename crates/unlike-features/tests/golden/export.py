#!/usr/bin/env python3
"""The maps of EfficientNet-Lite0's stages in PyTorch, for tests/lite0.rs.

    python3 export.py ../../weights/lite0.safetensors lite0.json

Needs torch, numpy, safetensors. The weights are those of the crate, so that what is compared is the
arithmetic: 64-bit here, 32-bit there. Images are computed, not drawn, so that the test makes the same.
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import load_file

STAGES = [(3, 1, 1, 1), (3, 2, 6, 2), (5, 2, 6, 2), (3, 2, 6, 3), (5, 1, 6, 3)]  # side, stride, expansion, repeats


def image(height, width, channels):
    """Waves of several lengths, in [-1, 1]."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(channels), indexing="ij")
    return np.sin(0.31 * x + 0.07 * y * (c + 1)) * np.cos(0.013 * x * y + c)


def same(x, side, stride):
    """TensorFlow's padding: more on the right and below where it is uneven."""
    pads = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + side - length, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


def stages(weights, x):
    w = {name: torch.from_numpy(a.astype("f8")) for name, a in weights.items()}
    conv = lambda name, x, **k: F.conv2d(x, w[f"{name}.weight"].T[..., None, None], w[f"{name}.bias"], **k)
    x = F.relu6(F.conv2d(same(x, 3, 2), w["stem.weight"].permute(3, 2, 0, 1), w["stem.bias"], stride=2))
    for stage, (side, stride, expansion, repeats) in enumerate(STAGES):
        for repeat in range(repeats):
            name, before, step = f"stage{stage}.{repeat}", x, stride if repeat == 0 else 1
            if expansion > 1:
                x = F.relu6(conv(f"{name}.expand", x))
            depth = w[f"{name}.depthwise.weight"].permute(2, 0, 1)[:, None]
            x = F.relu6(F.conv2d(same(x, side, step), depth, w[f"{name}.depthwise.bias"], stride=step, groups=x.shape[1]))
            x = conv(f"{name}.project", x)
            if step == 1 and x.shape == before.shape:
                x = x + before
        yield x[0].permute(1, 2, 0).numpy()


def main(weights, out):
    weights, cases = load_file(weights), []
    for size in [(64, 64, 3), (50, 33, 1)]:
        pixels = image(*size).repeat(3 // size[2], axis=2)
        x = torch.from_numpy((pixels * 127.5 + 0.5) / 128).permute(2, 0, 1)[None]
        maps = []
        for values in stages(weights, x):
            flat = values.ravel()
            # Sums with weights of both signs see every value, and so does the largest.
            signs = np.cos(np.arange(flat.size))
            maps.append({"shape": values.shape, "first": flat[:8].tolist(), "last": flat[-8:].tolist(),
                         "sum": float((flat * signs).sum()), "largest": float(np.abs(flat).max())})
        cases.append({"size": size, "stages": maps})
    with open(out, "w") as file:
        json.dump(cases, file, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
