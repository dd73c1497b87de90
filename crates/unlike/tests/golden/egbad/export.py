#!/usr/bin/env python3
"""Writes egbad.safetensors: what PyTorch computes for small EGBADs, for `models/egbad.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Everything follows the paper and its authors' code: D step, then G and E step; Adam (.5, .999); moving averages; the
score's parts with averages. Images are the authors' MNIST network at 16 px, 3 colours and tiny widths: two halvings, as
at 28 px. Dropout is off, because its masks cannot be shared. Per variant (what G minimises, whose weights the survey's
residual term trains, spectral norm in D): every network, its outputs in two modes, all gradients at the start, losses
of five steps, every network and its average after them, and the score's parts. The batches are those of all variants.
"""
import copy
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

WIDTH, SIDE, COLOURS, LATENT, BATCH, STEPS, RATE, DECAY, RESIDUAL = 7, 16, 3, 3, 6, 5, 1e-3, 0.9, 10.0
KEEP, HALVE, DOUBLE = (3, 1, 1), (3, 2, 1), (4, 2, 1)
SMALL, LEAKY = SIDE // 4, leaky(0.1)


class Encoder(nn.Module):
    def __init__(self, images):
        super().__init__()
        if images:
            pyramid = [conv(COLOURS, 2, KEEP, LEAKY), conv(2, 4, HALVE, LEAKY, True), conv(4, 8, HALVE, LEAKY, True)]
            self.maps, self.layers = Stack(pyramid), mlp([SMALL * SMALL * 8, LATENT], LEAKY)
        else:
            self.maps, self.layers = Stack(), mlp([WIDTH, 5, LATENT], LEAKY)

    def forward(self, x, mode):
        return self.layers(self.maps(x, mode), mode)


class Generator(nn.Module):
    def __init__(self, images):
        super().__init__()
        self.maps = None
        if images:
            self.layers = Stack([dense(LATENT, 5, relu, True), dense(5, SMALL * SMALL * 8, relu, True)])
            self.maps = Stack([conv_up(8, 4, DOUBLE, relu, True), conv_up(4, COLOURS, DOUBLE, tanh)])
        else:
            self.layers = mlp([LATENT, 6, 8, WIDTH], relu)

    def forward(self, z, mode):
        h = self.layers(z, mode)
        return h if self.maps is None else self.maps(maps(h, SMALL), mode)


class Discriminator(nn.Module):
    def __init__(self, images, spectral):
        super().__init__()
        last = dict(act=LEAKY, spectral=spectral)
        if images:
            self.maps = Stack([conv(COLOURS, 4, DOUBLE, **last), conv(4, 4, DOUBLE, norm=not spectral, **last)])
            self.x, self.z = Stack(), Stack([dense(LATENT, 4, **last)])
            self.joint = Stack([dense(SMALL * SMALL * 4 + 4, 6, **last)])
        else:
            self.maps, self.x, self.z = Stack(), Stack([dense(WIDTH, 9, **last)]), Stack([dense(LATENT, 4, **last)])
            self.joint = Stack([dense(13, 10, **last), dense(10, 11, **last)])
        self.logit = dense(6 if images else 11, 1, spectral=spectral)

    def forward(self, x, z, mode):
        x = self.x(self.maps(x, mode), mode)
        f = self.joint(torch.cat([rows(x), self.z(z, mode)], 1), mode)
        return self.logit(f, mode), f


# Whether images, whether spectral norm in D, what G minimises, whose weights the residual term trains.
VARIANTS = {
    "cross-entropy": (False, False, "cross-entropy", "encoder"),
    "feature-matching": (False, False, "feature-matching", None),
    "spectral": (False, True, "cross-entropy", "encoder"),
    "both": (False, True, "cross-entropy", "encoder-and-generator"),
    "image-encoder": (True, False, "cross-entropy", "encoder"),
    "image-both": (True, False, "cross-entropy", "encoder-and-generator"),
    "image-feature-matching": (True, False, "feature-matching", None),
    "image-spectral": (True, True, "cross-entropy", "encoder"),
}
out = Fixture()


def discriminator_loss(nets, x, z):
    e, g, d = nets.values()
    with torch.no_grad():
        ex, gz = e(x, "frozen"), g(z, "frozen")
    return bce(d(x, ex, "train")[0], 1.0) + bce(d(gz, z, "train")[0], 0.0)


def generator_encoder_losses(nets, x, z, minimised, residual):
    e, g, d = nets.values()
    # Where both train by the residual term, G's running statistics are those of E(x) alone.
    gz = g(z, "frozen" if residual == "encoder-and-generator" else "train")
    ex = e(x, "train")
    fake, f_fake = d(gz, z, "frozen")
    real, f_real = d(x, ex, "frozen")
    le, term = bce(real, 0.0), torch.zeros(())
    lg = bce(fake, 1.0) if minimised == "cross-entropy" else F.mse_loss(f_fake.mean(0), f_real.detach().mean(0))
    if residual == "encoder":
        term = F.l1_loss(still(g, ex, "score"), x)  # G as it scores; gradients go on to E
    elif residual is not None:
        term = F.l1_loss(g(ex, "train"), x)
    return lg, le + RESIDUAL * term, term


for variant, (images, spectral, minimised, residual) in VARIANTS.items():
    torch.manual_seed(1906)
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    put_rows = lambda name, value: out.put_rows(f"{variant}.{name}", value)
    nets = dict(encoder=Encoder(images), generator=Generator(images), discriminator=Discriminator(images, spectral))
    nets = {name: net.double() for name, net in nets.items()}
    e, g, d = nets.values()
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    adam = {name: torch.optim.Adam(net.parameters(), RATE, (0.5, 0.999)) for name, net in nets.items()}
    shape = (COLOURS, SIDE, SIDE) if images else (WIDTH,)
    torch.manual_seed(1802)
    x = (torch.rand(STEPS, 2, BATCH, *shape) * 2 - 1).double()
    z = torch.randn(STEPS, 2, BATCH, LATENT).double()
    kind = "image" if images else "row"
    out.put_rows(f"{kind}.x", x)
    out.put(f"{kind}.z", z)

    for mode in ("frozen", "score"):
        put(f"{mode}.encoded", e(x[0, 0], mode))
        put_rows(f"{mode}.generated", g(z[0, 0], mode))
        logit, f = d(x[0, 0], z[0, 0], mode)
        put(f"{mode}.logit", logit)
        put(f"{mode}.features", f)

    trial = copy.deepcopy(nets)
    loss = discriminator_loss(trial, x[0, 0], z[0, 0])
    out.put_gradients(f"{variant}.gradient", loss, dict(discriminator=trial["discriminator"]))
    trial = copy.deepcopy(nets)
    lg, le, _ = generator_encoder_losses(trial, x[0, 1], z[0, 1], minimised, residual)
    out.put_gradients(f"{variant}.gradient", lg + le, dict(encoder=trial["encoder"], generator=trial["generator"]))

    losses = []
    for step in range(STEPS):
        ld = discriminator_loss(nets, x[step, 0], z[step, 0])
        minimise(ld, [d], [adam["discriminator"]])
        lg, le, term = generator_encoder_losses(nets, x[step, 1], z[step, 1], minimised, residual)
        minimise(lg + le, [e, g], [adam["encoder"], adam["generator"]])
        losses.append([ld.item(), lg.item(), le.item(), term.item()])
        average.fold(nets, warmed(DECAY, step) if images else DECAY)
    put("losses", losses)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)

    # The score's parts, with averages.
    e, g, d = average.scoring().values()
    query = (torch.rand(4 if images else 9, *shape) * 2 - 1).double() * (1.0 if images else 1.5)
    ex = e(query, "score")
    rebuilt = g(ex, "score")
    f, (logit, f_hat) = d(query, ex, "score")[1], d(rebuilt, ex, "score")
    residuals = rows(query - rebuilt).abs()
    put_rows("query", query)
    put_rows("reconstruction", rebuilt)
    put("part.residual", residuals.mean(1))
    put("part.feature", (f - f_hat).abs().mean(1))
    put("part.cross_entropy", bce(logit, 1.0, "none")[:, 0])
    put("paper_score", 0.9 * residuals.sum(1) + 0.1 * (f - f_hat).abs().sum(1))

out.save("egbad.safetensors")
