#!/usr/bin/env python3
"""Writes simplenet.safetensors: what PyTorch computes for small SimpleNets, for `models/simplenet.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Per variant (the paper; noise that climbs): both networks, five batches and
their noise, what D says of features and of noise, the loss and all gradients at the start; the losses of five steps; both
networks and their average after them, and the score's part.
"""
import copy
import pathlib
import sys

import torch
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

BATCH, STEPS, RATE, DECAY = 6, 5, 1e-3, 0.9
# One for which no gradient of a number is 0 but for rounding, of which Adam would make a step.
SEED = 74
MARGIN, ADAPTOR_RATE, WIDTH, HIDDEN = 0.5, 0.5, 7, 9
VARIANTS = {
    "paper": dict(noise=0.3, ascent_steps=0, ascent=0.001),
    "climbing": dict(noise=0.5, ascent_steps=3, ascent=0.4),
}
out = Fixture()


class Adaptor(nn.Module):
    def __init__(self):
        super().__init__()
        # A bias would move q and q⁻ alike, and the batch norm behind would take it away.
        self.layers = Stack([Layer(nn.Linear(WIDTH, WIDTH, bias=False), identity)])

    def forward(self, x, mode):
        return self.layers(x, mode)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = Stack([dense(WIDTH, HIDDEN, leaky(0.2), True), Layer(nn.Linear(HIDDEN, 1, bias=False), identity)])

    def forward(self, q, mode):
        return self.layers(q, mode)


def fakes(d, q, noise, v):
    if not v["ascent_steps"]:
        return q + noise * v["noise"]
    base, shortest = q.detach(), v["noise"] * WIDTH**0.5
    moved = base + noise * v["noise"]
    for _ in range(v["ascent_steps"]):
        at = moved.clone().requires_grad_()
        (slope,) = torch.autograd.grad(d(at, "frozen").sum(), at)
        moved = moved + v["ascent"] * slope / (slope.norm(dim=1, keepdim=True) + 1e-10)
    away = moved - base
    far = away.norm(dim=1, keepdim=True)
    return q + away * far.clamp(shortest, 2 * shortest) / far


def discriminate(nets, x, noise, v):
    a, d = nets.values()
    q = a(x, "train")
    both = d(torch.cat([q, fakes(d, q, noise, v)]), "train")
    real, fake = both[: len(x)], both[len(x) :]
    loss = F.relu(MARGIN - real).mean() + F.relu(MARGIN + fake).mean()
    return loss, real, fake


for variant, v in VARIANTS.items():
    torch.manual_seed(SEED)
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    nets = dict(adaptor=Adaptor(), discriminator=Discriminator())
    with torch.no_grad():
        nets["discriminator"].layers[1].op.weight.mul_(4.0)  # some samples are beyond the margin
    nets = {name: net.double() for name, net in nets.items()}
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    x = (torch.rand(STEPS, BATCH, WIDTH) * 2 - 1).double()
    noise = torch.randn(STEPS, BATCH, WIDTH).double()
    put("x", x)
    put("noise", noise)

    trial = copy.deepcopy(nets)
    loss, real, fake = discriminate(trial, x[0], noise[0], v)
    put("loss", loss.reshape(1))
    put("real", real)
    put("fake", fake)
    out.put_gradients(f"{variant}.gradient", loss, trial)

    rates = dict(adaptor=RATE * ADAPTOR_RATE, discriminator=RATE)
    adam = {name: torch.optim.Adam(net.parameters(), rates[name], (0.9, 0.999)) for name, net in nets.items()}
    losses = []
    for step in range(STEPS):
        loss, real, fake = discriminate(nets, x[step], noise[step], v)
        minimise(loss, list(nets.values()), list(adam.values()))
        losses.append([loss.item(), real.mean().item(), fake.mean().item()])
        average.fold(nets, warmed(DECAY, step))
    put("losses", losses)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)

    a, d = average.scoring().values()
    query = (torch.rand(4, WIDTH) * 2 - 1).double()
    put("query", query)
    put("part.discriminator", -d(a(query, "score"), "score")[:, 0])

out.save("simplenet.safetensors")
