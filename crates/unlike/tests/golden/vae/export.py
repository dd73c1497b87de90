#!/usr/bin/env python3
"""Writes vae.safetensors: what PyTorch computes for small VAEs, for `models/vae.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Per variant (the paper on rows; ReLU on images): both networks, five batches and their noise, the bound with its terms and
all gradients at the start; the losses of five steps; both networks and their average after them, and the scores' parts.
"""
import copy
import pathlib
import sys

import torch

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

BATCH, STEPS, RATE, DECAY, SEED = 6, 5, 1e-3, 0.9, 3
LATENT, SPREAD = 3, 0.4
VARIANTS = {
    "rows": dict(size=7, hidden=[9, 5], act=tanh, last=identity),
    "images": dict(size=16, hidden=[10], act=relu, last=tanh),
}
out = Fixture()


class Encoder(nn.Module):
    def __init__(self, v):
        super().__init__()
        widths = [v["size"], *v["hidden"]]
        self.dense = Stack([dense(a, b, v["act"], False) for a, b in zip(widths, widths[1:])])
        self.mean = dense(widths[-1], LATENT, identity, False)
        self.log_variance = dense(widths[-1], LATENT, identity, False)

    def forward(self, x, mode):
        h = self.dense(x, mode)
        return self.mean(h, mode), self.log_variance(h, mode)


class Decoder(nn.Module):
    def __init__(self, v):
        super().__init__()
        widths = [LATENT, *v["hidden"][::-1]]
        layers = [dense(a, b, v["act"], False) for a, b in zip(widths, widths[1:])]
        self.dense = Stack([*layers, dense(widths[-1], v["size"], v["last"], False)])

    def forward(self, z, mode):
        return self.dense(z, mode)


def divergence(mu, log_variance):
    return 0.5 * (mu**2 + log_variance.exp() - log_variance - 1).sum(1)


def bound(nets, x, noise):
    e, d = nets.values()
    mu, log_variance = e(x, "train")
    x_hat = d(mu + (0.5 * log_variance).exp() * noise, "train")
    rebuilt, apart = ((x - x_hat) ** 2).mean(), divergence(mu, log_variance).mean()
    return rebuilt / (2 * SPREAD**2) + apart / x.shape[1], rebuilt, apart


for variant, v in VARIANTS.items():
    torch.manual_seed(SEED)
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    nets = dict(encoder=Encoder(v).double(), decoder=Decoder(v).double())
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    x = (torch.rand(STEPS, BATCH, v["size"]) * 2 - 1).double()
    noise = torch.randn(STEPS, BATCH, LATENT).double()
    put("x", x)
    put("noise", noise)

    trial = copy.deepcopy(nets)
    terms = bound(trial, x[0], noise[0])
    put("terms", torch.stack(terms))
    out.put_gradients(f"{variant}.gradient", terms[0], trial)

    adam = [torch.optim.Adam(net.parameters(), RATE, (0.9, 0.999)) for net in nets.values()]
    losses = []
    for step in range(STEPS):
        terms = bound(nets, x[step], noise[step])
        minimise(terms[0], list(nets.values()), adam)
        losses.append([term.item() for term in terms])
        average.fold(nets, warmed(DECAY, step))
    put("losses", losses)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)

    e, d = average.scoring().values()
    query = (torch.rand(4, v["size"]) * 2 - 1).double()
    mu, log_variance = e(query, "score")
    rebuilt = ((query - d(mu, "score")) ** 2).mean(1)
    apart = divergence(mu, log_variance)
    put("query", query)
    put("part.bound", rebuilt / (2 * SPREAD**2) + apart / v["size"])
    put("part.reconstruction", rebuilt)
    put("part.divergence", apart)

out.save("vae.safetensors")
