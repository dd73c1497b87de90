#!/usr/bin/env python3
"""Writes spectral.safetensors: what PyTorch computes for layers under spectral norm, for `nn/spectral.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Per layer (fully connected, convolution, transposed convolution): weights and singular vectors, then five steps, in each
of which the layer runs in training mode on two batches before one update, as a discriminator does; outputs and gradients
of every step; weights and singular vectors after the last; the output in evaluation mode.
"""
import numpy as np
import torch
import torch.nn as nn
from safetensors.numpy import save_file
from torch.nn.utils.parametrizations import spectral_norm

STEPS, BATCH, RATE = 5, 3, 0.05
out = {}


def put(name, value):
    # A copy: parameters go on changing in place.
    out[name] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")


LAYERS = {
    "linear": (lambda: nn.Linear(7, 5), (7,)),
    "conv": (lambda: nn.Conv2d(3, 4, 4, 2, 1), (3, 8, 8)),
    "conv_transpose": (lambda: nn.ConvTranspose2d(3, 4, 4, 2, 1), (3, 4, 4)),
}
# To unlike's layouts: [inputs, outputs], and [K, K, inputs, outputs].
WEIGHT = {
    "linear": lambda w: w.T,
    "conv": lambda w: w.permute(2, 3, 1, 0),
    "conv_transpose": lambda w: w.permute(2, 3, 0, 1),
}


def window(v):
    """A singular vector over [inputs, K, K] as one over [K, K, inputs]."""
    return v.reshape(3, 4, 4).permute(1, 2, 0).reshape(-1)


def rows(h):
    return h.permute(0, 2, 3, 1) if h.dim() == 4 else h


for name, (make, shape) in LAYERS.items():
    torch.manual_seed(1802)
    layer = make()
    with torch.no_grad():
        layer.weight.mul_(3.0)
    layer = spectral_norm(layer)
    weight, vectors = layer.parametrizations.weight.original, layer.parametrizations.weight[0]

    def put_state(prefix):
        put(f"{name}.{prefix}.weight", WEIGHT[name](weight))
        put(f"{name}.{prefix}.bias", layer.bias)
        put(f"{name}.{prefix}.spectral.u", vectors._u)
        put(f"{name}.{prefix}.spectral.v", vectors._v if name == "linear" else window(vectors._v))

    put_state("start")
    optimizer = torch.optim.Adam(layer.parameters(), RATE, (0.5, 0.999))
    for step in range(STEPS):
        xs = [torch.randn(BATCH, *shape) for _ in range(2)]
        ys = [layer(x) for x in xs]
        loss = ys[0].square().mean() + (ys[1] - 1.0).square().mean()
        optimizer.zero_grad()
        loss.backward()
        for which, (x, y) in enumerate(zip(xs, ys)):
            put(f"{name}.{step}.x.{which}", rows(x))
            put(f"{name}.{step}.y.{which}", rows(y))
        put(f"{name}.{step}.gradient", WEIGHT[name](weight.grad))
        optimizer.step()
    put_state("trained")
    layer.eval()
    query = torch.randn(BATCH, *shape)
    put(f"{name}.query", rows(query))
    put(f"{name}.answer", rows(layer(query)))

save_file(out, "spectral.safetensors", {"torch": torch.__version__})
print(f"{len(out)} arrays, {sum(a.nbytes for a in out.values())} bytes, torch {torch.__version__}")
