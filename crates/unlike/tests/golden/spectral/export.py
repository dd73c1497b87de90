#!/usr/bin/env python3
"""Writes spectral.safetensors: what PyTorch computes for layers under spectral norm, for `nn/spectral.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Per layer (fully connected, convolution, transposed convolution): weights and singular vectors, then five steps, in each
of which the layer runs in training mode on two batches before one update, as a discriminator does; outputs and gradients
of every step; weights and singular vectors after the last; the output in evaluation mode.
"""
import pathlib
import sys

import torch
import torch.nn as nn

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

STEPS, BATCH, RATE = 5, 3, 0.05
LAYERS = {
    "linear": (lambda: nn.Linear(7, 5), (7,)),
    "conv": (lambda: nn.Conv2d(3, 4, 4, 2, 1), (3, 8, 8)),
    "conv_transpose": (lambda: nn.ConvTranspose2d(3, 4, 4, 2, 1), (3, 4, 4)),
}
out = Fixture()

for name, (make, shape) in LAYERS.items():
    torch.manual_seed(1802)
    op = make()
    with torch.no_grad():
        op.weight.mul_(3.0)
    net = nn.ModuleDict(dict(layer=Layer(op, identity, spectral=True))).double()
    layer = net["layer"]
    out.put_nets(f"{name}.weights", {"net": net})
    adam = torch.optim.Adam(net.parameters(), RATE, (0.5, 0.999))
    for step in range(STEPS):
        xs = [torch.randn(BATCH, *shape).double() for _ in range(2)]
        ys = [layer(x, "train") for x in xs]
        loss = ys[0].square().mean() + (ys[1] - 1.0).square().mean()
        for which, (x, y) in enumerate(zip(xs, ys)):
            out.put_rows(f"{name}.{step}.x.{which}", x)
            out.put(f"{name}.{step}.y.{which}", rows(y))
        out.put_gradients(f"{name}.{step}.gradient", loss, {"net": net})
        minimise(loss, [net], [adam])
    out.put_nets(f"{name}.trained", {"net": net})
    query = torch.randn(BATCH, *shape).double()
    out.put_rows(f"{name}.query", query)
    out.put(f"{name}.answer", rows(layer(query, "score")))

out.save("spectral.safetensors")
