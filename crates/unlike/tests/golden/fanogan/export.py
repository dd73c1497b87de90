#!/usr/bin/env python3
"""Writes fanogan.safetensors: what PyTorch computes for small f-AnoGANs, for `models/fanogan.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

The gradient penalty of WGAN-GP is differentiated twice by PyTorch itself, which `unlike` does not do. Per variant
(tables; images of 16 px in colour, whose features are C's maps as in the paper, or come from a dense layer): every
network, seven batches, every network's output, the critic's distance and penalty and all gradients at the start; the
losses of seven steps, four of the first stage (G moves at every second one) and three of the second; every network and
its average after them, and the score's parts.

Where the points between real and generated samples lie is random: SHARES are the numbers that `unlike` draws, times
2^24, which its test asserts.
"""
import copy
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

BATCH, FIRST, SECOND, RATE, DECAY = 6, 4, 3, 1e-3, 0.9
PENALTY, KAPPA, CRITIC_STEPS, ENCODER_RATE, REACH = 10.0, 1.0, 2, 0.5, 2.0
WIDTH, SIDE, COLOURS, LATENT = 7, 16, 3, 3
WINDOW, LEAKY = (4, 2, 1), leaky(0.2)
SHARES = [
    12348996, 13969055, 11766374, 10034570, 8253469, 10290201,
    12515647, 13246901, 4471883, 2561617, 11958957, 12294233,
    4129420, 3714273, 4907849, 3286150, 3170320, 13466,
    4014971, 1410548, 14087935, 13143273, 298360, 9757902,
]


class Generator(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.up = None
        if v["images"]:
            widths = [LATENT, *v["generator"], 4 * 4 * 4]
            self.dense = Stack(dense(*pair, relu, True) for pair in zip(widths, widths[1:]))
            self.up = Stack([conv_up(4, 2, WINDOW, relu, True), conv_up(2, COLOURS, WINDOW, tanh)])
        else:
            widths = [LATENT, *v["generator"]]
            hidden = [dense(*pair, relu, True) for pair in zip(widths, widths[1:])]
            self.dense = Stack([*hidden, dense(widths[-1], WIDTH)])

    def forward(self, z, mode):
        h = self.dense(z, mode)
        return h if self.up is None else self.up(maps(h, 4), mode)


class Critic(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.down, flat = Stack(), WIDTH
        if v["images"]:
            self.down, flat = Stack([conv(COLOURS, 2, WINDOW, LEAKY), conv(2, 4, WINDOW, LEAKY)]), 4 * 4 * 4
        widths = [flat, *v["critic"]]
        self.dense = Stack(dense(*pair, LEAKY) for pair in zip(widths, widths[1:]))
        self.real = dense(widths[-1], 1)

    def features(self, x):
        return rows(self.dense(self.down(x, "train"), "train"))

    def forward(self, x):
        return self.real(self.features(x), "train")


class Encoder(nn.Module):
    def __init__(self, v):
        super().__init__()
        self.down, flat = Stack(), WIDTH
        if v["images"]:
            self.down, flat = Stack([conv(COLOURS, 2, WINDOW, LEAKY), conv(2, 4, WINDOW, LEAKY, True)]), 4 * 4 * 4
        self.dense = mlp([flat, *v["critic"], LATENT], LEAKY, tanh)

    def forward(self, x, mode):
        return self.dense(self.down(x, mode), mode)


VARIANTS = {
    "table": dict(images=False, generator=[6, 8], critic=[9, 5], ziz=0.0),
    "image": dict(images=True, generator=[], critic=[], ziz=0.0),
    "image-dense": dict(images=True, generator=[5], critic=[6], ziz=0.7),
}
out = Fixture()


def critic_loss(nets, x, z, share):
    g, c, _ = nets.values()
    with torch.no_grad():
        gz = g(z, "frozen")
    distance = c(x).mean() - c(gz).mean()
    between = (gz + (x - gz) * share.view(-1, *[1] * (x.dim() - 1))).requires_grad_()
    (slope,) = torch.autograd.grad(c(between).sum(), between, create_graph=True)
    penalty = (rows(slope).norm(dim=1) - 1).square().mean()
    return penalty * PENALTY - distance, distance, penalty


def generator_loss(nets, z):
    g, c, _ = nets.values()
    return -c(g(z, "train")).mean()


def encoder_loss(nets, x, z, weight):
    g, c, e = nets.values()
    x_hat = g(e(x, "train") * REACH, "score")
    residual, feature = F.mse_loss(x_hat, x), F.mse_loss(c.features(x_hat), c.features(x))
    # The other scheme of the paper; generated samples do not move E's running statistics.
    ziz = F.mse_loss(e(g(z, "score"), "frozen") * REACH, z) * (weight > 0)
    return residual + feature * KAPPA + ziz * weight, residual, feature, ziz


for variant, v in VARIANTS.items():
    torch.manual_seed(1702)
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    put_rows = lambda name, value: out.put_rows(f"{variant}.{name}", value)
    nets = dict(generator=Generator(v), critic=Critic(v), encoder=Encoder(v))
    with torch.no_grad():
        for p in nets["critic"].parameters():
            p.mul_(2.0)  # slopes on both sides of 1
    nets = {name: net.double() for name, net in nets.items()}
    g, c, e = nets.values()
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    shape = (COLOURS, SIDE, SIDE) if v["images"] else (WIDTH,)
    x = (torch.rand(FIRST + SECOND, BATCH, *shape) * 2 - 1).double()
    z = torch.randn(FIRST, 2, BATCH, LATENT).double()
    share = torch.tensor(SHARES).view(FIRST, BATCH).double() / 2**24
    put_rows("x", x)
    put("z", z)
    put("share", share)

    put_rows("generated", g(z[0, 0], "score"))
    put("real", c(x[0]))
    put("features", c.features(x[0]))
    put("encoded", e(x[0], "score"))

    trial = copy.deepcopy(nets)
    losses = critic_loss(trial, x[0], z[0, 0], share[0])
    put("critic_loss", torch.stack(losses))
    out.put_gradients(f"{variant}.gradient", losses[0], dict(critic=trial["critic"]))
    out.put_gradients(f"{variant}.penalty_gradient", losses[2] + 0.0 * losses[1], dict(critic=trial["critic"]))
    out.put_gradients(f"{variant}.gradient", generator_loss(trial, z[0, 1]), dict(generator=trial["generator"]))
    trial = copy.deepcopy(nets)
    losses = encoder_loss(trial, x[0], z[0, 0], v["ziz"])
    put("encoder_loss", torch.stack(losses))
    out.put_gradients(f"{variant}.gradient", losses[0], dict(encoder=trial["encoder"]))

    rates = dict(generator=RATE, critic=RATE, encoder=RATE * ENCODER_RATE)
    adam = {name: torch.optim.Adam(net.parameters(), rates[name], (0.0, 0.9)) for name, net in nets.items()}
    first, second = [], []
    for step in range(FIRST):
        losses = critic_loss(nets, x[step], z[step, 0], share[step])
        minimise(losses[0], [c], [adam["critic"]])
        first.append([loss.item() for loss in losses] + [0.0])
        if (step + 1) % CRITIC_STEPS == 0:
            loss = generator_loss(nets, z[step, 1])
            minimise(loss, [g], [adam["generator"]])
            first[-1][-1] = loss.item()
        average.fold(nets, warmed(DECAY, step))
    # The second stage works with the averages.
    g.load_state_dict(average.nets["generator"].state_dict())
    c.load_state_dict(average.nets["critic"].state_dict())
    for step in range(SECOND):
        losses = encoder_loss(nets, x[FIRST + step], z[FIRST - 1, 0], v["ziz"])
        minimise(losses[0], [e], [adam["encoder"]])
        second.append([loss.item() for loss in losses])
        average.fold(nets, warmed(DECAY, step))
    put("first", first)
    put("second", second)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)

    g, c, e = average.scoring().values()
    query = (torch.rand(4, *shape) * 2 - 1).double()
    z = e(query, "score") * REACH
    x_hat = g(z, "score")
    put_rows("query", query)
    put_rows("reconstruction", x_hat)
    residual = rows(x_hat - query).square().mean(1)
    feature = (c.features(x_hat) - c.features(query)).square().mean(1)
    put("part.residual", residual)
    put("part.feature", feature)
    put("part.latent", (e(x_hat, "score") * REACH - z).square().mean(1))
    put("paper_score", residual + KAPPA * feature)

out.save("fanogan.safetensors")
