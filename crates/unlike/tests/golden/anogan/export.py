#!/usr/bin/env python3
"""Writes anogan.safetensors: what PyTorch computes for small AnoGANs, for `models/anogan.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Tables (fully connected) and images (28 x 28, convolutions and batch norm), each also with spectral norm in D, and with
an encoder beside G, as f-AnoGAN has it, so that its updates are compared too. Each: every network, five batches, every
network's output, all gradients at the start, losses of five steps, every network and its average after them; then, with
the averages, the search from given starting points: the loss of every query after 1, 5 and 20 steps, z after 5 and 20,
and the score's parts there. Dropout is off, because its masks cannot be shared.
"""
import copy
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

BATCH, STEPS, QUERIES, RATE, DECAY, REACH = 6, 5, 7, 1e-3, 0.9, 3.0
WIDTH, SIDE, BASE, FIRST, DENSE = 7, 28, 7, 3, 10
MIX, SEARCH_STEPS, SEARCH_RATE = 0.1, 20, 0.05
WINDOW, LEAKY = (4, 2, 1), leaky(0.1)


class Generator(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.up = None
        if images:
            deep = BASE * BASE * 2 * FIRST
            self.dense = Stack([dense(4, DENSE, relu, True), dense(DENSE, deep, relu, True)])
            self.up = Stack([conv_up(2 * FIRST, FIRST, WINDOW, relu, True), conv_up(FIRST, 1, WINDOW, tanh)])
            with torch.no_grad():
                self.up[1].op.weight.mul_(8)  # images with contrast, which a search can lower its loss on
        else:
            self.dense = mlp([3, 6, 8, WIDTH], relu)

    def forward(self, z, mode):
        h = self.dense(z, mode)
        return h if self.up is None else self.up(maps(h, BASE), mode)


class Discriminator(nn.Module):
    def __init__(self, images, spectral):
        super().__init__()
        self.down = Stack()
        if images:
            normed = dict(act=LEAKY, norm=not spectral, spectral=spectral)
            first = conv(1, FIRST, WINDOW, LEAKY, spectral=spectral)
            self.down = Stack([first, conv(FIRST, FIRST, WINDOW, **normed)])
            f = dense(BASE * BASE * FIRST, DENSE, **normed)
            self.dense = Stack([f, dense(DENSE, 1, spectral=spectral)])
        else:
            self.dense = mlp([WIDTH, 9, 8, 5, 1], LEAKY, spectral=spectral)

    def forward(self, x, mode):
        f = self.down(x, mode)
        for layer in self.dense[:-1]:
            f = layer(f, mode)
        return self.dense[-1](f, mode), f


class Encoder(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.down = Stack()
        if images:
            self.down = Stack([conv(1, FIRST, WINDOW, LEAKY), conv(FIRST, 2 * FIRST, WINDOW, LEAKY, True)])
            self.dense = mlp([BASE * BASE * 2 * FIRST, 4], LEAKY, tanh)
        else:
            self.dense = mlp([WIDTH, 8, 6, 3], LEAKY, tanh)

    def forward(self, x, mode):
        return self.dense(self.down(x, mode), mode)


out = Fixture()


def discriminator_loss(nets, x, z):
    g, d, _ = nets.values()
    with torch.no_grad():
        gz = g(z, "frozen")
    return bce(d(x, "train")[0], 1.0) + bce(d(gz, "train")[0], 0.0)


def generator_loss(nets, z):
    g, d, _ = nets.values()
    return bce(d(g(z, "train"), "frozen")[0], 1.0)


def encoder_loss(nets, x):
    g, _, e = nets.values()
    return F.l1_loss(still(g, e(x, "train") * REACH, "score"), x)


for variant in ("table", "table-spectral", "image", "image-spectral"):
    images, spectral = variant.startswith("image"), variant.endswith("spectral")
    torch.manual_seed(1703)
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    put_rows = lambda name, value: out.put_rows(f"{variant}.{name}", value)
    nets = dict(generator=Generator(images), discriminator=Discriminator(images, spectral), encoder=Encoder(images))
    nets = {name: net.double() for name, net in nets.items()}
    g, d, e = nets.values()
    latent, shape = (4, (1, SIDE, SIDE)) if images else (3, (WIDTH,))
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    adam = {name: torch.optim.Adam(net.parameters(), RATE, (0.5, 0.999)) for name, net in nets.items()}
    x = (torch.rand(STEPS, BATCH, *shape) * 2 - 1).double()
    z = torch.randn(STEPS, 2, BATCH, latent).double()
    put_rows("x", x)
    put("z", z)

    # Outputs with running statistics, before training.
    start = average.scoring()
    put_rows("generated", start["generator"](z[0, 0], "score"))
    logit, f = start["discriminator"](x[0], "score")
    put("logit", logit)
    put("features", f)
    put("encoded", start["encoder"](x[0], "score"))

    trial = copy.deepcopy(nets)
    losses = discriminator_loss(trial, x[0], z[0, 0]), generator_loss(trial, z[0, 1]), encoder_loss(trial, x[0])
    for loss, net in zip(losses, ("discriminator", "generator", "encoder")):
        out.put_gradients(f"{variant}.gradient", loss, {net: trial[net]})

    losses = []
    for step in range(STEPS):
        ld = discriminator_loss(nets, x[step], z[step, 0])
        minimise(ld, [d], [adam["discriminator"]])
        lg = generator_loss(nets, z[step, 1])
        minimise(lg, [g], [adam["generator"]])
        le = encoder_loss(nets, x[step])
        minimise(le, [e], [adam["encoder"]])
        losses.append([ld.item(), lg.item(), le.item()])
        average.fold(nets, warmed(DECAY, step))
    put("losses", losses)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)

    # The search, with averaged weights and statistics.
    g, d, _ = average.scoring().values()
    start = torch.randn(QUERIES, latent).double()
    with torch.no_grad():
        query = g(torch.randn(QUERIES, latent).double(), "score") + 0.1 * torch.randn(QUERIES, *shape)
    put_rows("query", query)
    put("start", start)
    _, f = d(query, "score")
    f = f.detach()

    def parts(z):
        rebuilt = g(z, "score")
        logit, f_rebuilt = d(rebuilt, "score")
        return rows(query - rebuilt).abs(), (f - f_rebuilt).abs(), bce(logit, 1.0, "none")

    for search in ("feature-matching", "cross-entropy"):
        z = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([z], SEARCH_RATE)
        for step in range(SEARCH_STEPS + 1):
            residual, discrimination, cross_entropy = parts(z)
            second = discrimination if search == "feature-matching" else cross_entropy
            loss = (1 - MIX) * residual.mean(1) + MIX * second.mean(1)
            if step in (1, 5, 20):
                put(f"{search}.loss_{step}", loss)
            if step in (5, 20):
                put(f"{search}.z_{step}", z)
            if step == SEARCH_STEPS:
                put(f"{search}.part.residual", residual.mean(1))
                put(f"{search}.part.discrimination", discrimination.mean(1))
                put(f"{search}.part.cross_entropy", cross_entropy[:, 0])
                put(f"{search}.paper_score", (1 - MIX) * residual.sum(1) + MIX * discrimination.sum(1))
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()

out.save("anogan.safetensors")
