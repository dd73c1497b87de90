#!/usr/bin/env python3
"""Writes egbad.safetensors: what PyTorch computes for a small EGBAD, for `models/egbad.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Everything follows the paper and its authors' code: D step, then G and E step; Adam (.5, .999); moving averages of the
weights; the score's parts with averaged weights. Dropout is off, because its masks cannot be shared. Per variant
(cross-entropy with the survey's residual term, the same with D under spectral norm, and feature matching): weights, five batches, every network's output,
loss terms and gradient norms of the first step, losses of five steps, score parts after them.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.nn.utils.parametrizations import spectral_norm

WIDTH, LATENT, BATCH, STEPS, SLOPE, RATE, DECAY, RESIDUAL = 7, 3, 6, 5, 0.1, 1e-3, 0.9, 10.0
leaky = lambda x: F.leaky_relu(x, SLOPE)


def mlp(*widths):
    return nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = mlp(WIDTH, 5, LATENT)

    def forward(self, x):
        return self.layers[1](leaky(self.layers[0](x)))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = mlp(LATENT, 6, 8, WIDTH)

    def forward(self, z):
        return self.layers[2](F.relu(self.layers[1](F.relu(self.layers[0](z)))))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.x, self.z, self.meet = mlp(WIDTH, 9), mlp(LATENT, 4), nn.Linear(13, 10)
        self.joint, self.logit = mlp(10, 11), nn.Linear(11, 1)

    def forward(self, x, z):
        h = leaky(self.meet(torch.cat([leaky(self.x[0](x)), leaky(self.z[0](z))], 1)))
        f = leaky(self.joint[0](h))
        return self.logit(f), f


def bce(logit, target):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))


out = {}


def put(name, value):
    # A copy: parameters go on changing in place.
    out[name] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")


def ours(name):
    """A parameter's or buffer's name in unlike."""
    name = name.replace("layers.", "").replace("parametrizations.weight.original", "weight")
    return name.replace("parametrizations.weight.0._", "spectral.")


def state(module):
    """Parameters, and the singular vectors of spectral norm."""
    return [*module.named_parameters(), *module.named_buffers()]


def put_weights(prefix, nets):
    for net, module in nets.items():
        for name, p in state(module):
            name = ours(name)
            # PyTorch keeps [outputs, inputs]; unlike keeps [inputs, outputs].
            put(f"{prefix}.{net}.{name}", p.T if p.dim() == 2 else p)


for variant in ("cross-entropy", "feature-matching", "spectral"):
    torch.manual_seed(1906)
    e, g, d = Encoder(), Generator(), Discriminator()
    if variant == "spectral":
        for layer in (d.x[0], d.z[0], d.meet, d.joint[0], d.logit):
            spectral_norm(layer)
    nets = dict(encoder=e, generator=g, discriminator=d)
    put_weights(f"{variant}.weights", nets)
    average = {k: [p.detach().clone() for _, p in state(m)] for k, m in nets.items()}
    adam = {k: torch.optim.Adam(m.parameters(), RATE, (0.5, 0.999)) for k, m in nets.items()}
    x = torch.rand(STEPS, 2, BATCH, WIDTH) * 2 - 1
    z = torch.randn(STEPS, 2, BATCH, LATENT)
    put(f"{variant}.x", x)
    put(f"{variant}.z", z)

    def discriminator_loss(x, z):
        d.train()  # moves the singular vectors
        with torch.no_grad():
            ex, gz = e(x), g(z)
        return bce(d(x, ex)[0], 1.0) + bce(d(gz, z)[0], 0.0)

    def generator_encoder_losses(x, z):
        d.eval()
        ex = e(x)
        fake, f_fake = d(g(z), z)
        real, f_real = d(x, ex)
        if variant != "feature-matching":
            lg, le = bce(fake, 1.0), bce(real, 0.0)
            # The survey adds the residual to E's loss only: G's weights take no part.
            frozen = torch.func.functional_call(g, {k: p.detach() for k, p in g.named_parameters()}, (ex,))
            residual = F.l1_loss(frozen, x)
            return lg, le + RESIDUAL * residual, residual
        return F.mse_loss(f_fake.mean(0), f_real.detach().mean(0)), bce(real, 0.0), torch.zeros(())

    # Outputs of every network, before training.
    d.eval()
    put(f"{variant}.encoded", e(x[0, 0]))
    put(f"{variant}.generated", g(z[0, 0]))
    logit, f = d(x[0, 0], z[0, 0])
    put(f"{variant}.logit", logit)
    put(f"{variant}.features", f)

    losses = []
    for step in range(STEPS):
        ld = discriminator_loss(x[step, 0], z[step, 0])
        adam["discriminator"].zero_grad()
        ld.backward()
        if step == 0:
            for name, p in d.named_parameters():
                put(f"{variant}.gradient_norm.discriminator.{ours(name)}", p.grad.norm())
        adam["discriminator"].step()

        lg, le, residual = generator_encoder_losses(x[step, 1], z[step, 1])
        for m in nets.values():
            m.zero_grad()
        (lg + le).backward()
        if step == 0:
            for net in ("encoder", "generator"):
                for name, p in nets[net].named_parameters():
                    put(f"{variant}.gradient_norm.{net}.{ours(name)}", p.grad.norm())
        adam["encoder"].step()
        adam["generator"].step()
        losses.append([ld.item(), lg.item(), le.item(), residual.item()])
        for k, m in nets.items():
            for a, (_, p) in zip(average[k], state(m)):
                a.mul_(DECAY).add_(p.detach(), alpha=1 - DECAY)
    put(f"{variant}.losses", losses)
    put_weights(f"{variant}.trained", nets)

    # The score's parts, with averaged weights.
    with torch.no_grad():
        for k, m in nets.items():
            for a, (name, p) in zip(average[k], state(m)):
                # An average of vectors of length 1 is shorter than 1.
                p.copy_(F.normalize(a, dim=0) if "spectral" in ours(name) else a)
        query = torch.rand(9, WIDTH) * 3 - 1.5
        ex = e(query)
        rebuilt = g(ex)
        f, (logit, f_hat) = d(query, ex)[1], d(rebuilt, ex)
        put(f"{variant}.query", query)
        put(f"{variant}.part.residual", (query - rebuilt).abs().mean(1))
        put(f"{variant}.part.feature", (f - f_hat).abs().mean(1))
        put(f"{variant}.part.cross_entropy", F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit), reduction="none")[:, 0])
        put(f"{variant}.paper_score", 0.9 * (query - rebuilt).abs().sum(1) + 0.1 * (f - f_hat).abs().sum(1))

save_file(out, "egbad.safetensors", {"torch": torch.__version__})
print(f"{len(out)} arrays, torch {torch.__version__}")
