#!/usr/bin/env python3
"""Writes anogan.safetensors: what PyTorch computes for small AnoGANs, for `models/anogan.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

Two variants: `table` (fully connected) and `image` (28 x 28, convolutions and batch norm). Each: weights, five batches,
every network's output, loss terms and gradient norms of the first step, losses of five steps, the averaged weights after
them; then, with these, the search from given starting points: the loss of every query after 1, 5 and 20 steps, z after 5
steps, and the score's parts at z after 20. Dropout is off, because its masks cannot be shared.

unlike keeps linear weights as [inputs, outputs], convolutions of both directions as [K, K, inputs, outputs], and images
channels last, so the weights of dense layers next to a pyramid are put in that order.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

BATCH, STEPS, QUERIES, SLOPE, RATE, DECAY = 6, 5, 7, 0.1, 1e-3, 0.9
WIDTH, SIDE, BASE, FIRST, DENSE = 7, 28, 7, 3, 10
MIX, SEARCH_STEPS, SEARCH_RATE = 0.1, 20, 0.05
leaky = lambda x: F.leaky_relu(x, SLOPE)


def mlp(*widths):
    return nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))


class TableGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = mlp(3, 6, 8, WIDTH)

    def forward(self, z):
        return self.dense[2](F.relu(self.dense[1](F.relu(self.dense[0](z)))))


class TableDiscriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense, self.logit = mlp(WIDTH, 9, 8, 5), nn.Linear(5, 1)

    def forward(self, x):
        for layer in self.dense:
            x = leaky(layer(x))
        return self.logit(x), x


class ImageGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = mlp(4, DENSE, BASE * BASE * 2 * FIRST)
        self.dense_norm = nn.ModuleList([nn.BatchNorm1d(DENSE), nn.BatchNorm1d(BASE * BASE * 2 * FIRST)])
        self.up = nn.ModuleList([
            nn.ConvTranspose2d(2 * FIRST, FIRST, 4, 2, 1, bias=False),
            nn.ConvTranspose2d(FIRST, 1, 4, 2, 1),
        ])
        self.up_norm = nn.ModuleList([nn.BatchNorm2d(FIRST)])

    def forward(self, z):
        h = F.relu(self.dense_norm[0](self.dense[0](z)))
        h = F.relu(self.dense_norm[1](self.dense[1](h))).view(-1, 2 * FIRST, BASE, BASE)
        h = F.relu(self.up_norm[0](self.up[0](h)))
        return torch.tanh(self.up[1](h))


class ImageDiscriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(1, FIRST, 4, 2, 1), nn.Conv2d(FIRST, FIRST, 4, 2, 1, bias=False)])
        self.down_norm = nn.ModuleList([nn.Identity(), nn.BatchNorm2d(FIRST)])
        self.dense = mlp(BASE * BASE * FIRST, DENSE)
        self.dense_norm = nn.ModuleList([nn.BatchNorm1d(DENSE)])
        self.logit = nn.Linear(DENSE, 1)

    def forward(self, x):
        h = leaky(self.down[0](x))
        h = leaky(self.down_norm[1](self.down[1](h))).flatten(1)
        f = leaky(self.dense_norm[0](self.dense[0](h)))
        return self.logit(f), f


def bce(logit, target, reduction="mean"):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target), reduction=reduction)


def channels_last(v, axis):
    """Reorders an axis of C * 7 * 7 numbers from channels first to channels last."""
    v = v.movedim(axis, 0)
    c = v.shape[0] // (BASE * BASE)
    v = v.reshape(c, BASE * BASE, *v.shape[1:]).transpose(0, 1).reshape(v.shape)
    return v.movedim(0, axis)


def translate(net, name, v):
    """A PyTorch array's name and value in unlike's terms."""
    v = v.detach().clone()
    kind, i, rest = (name.split(".", 2) + [""])[:3] if name.count(".") == 2 else (*name.split("."), "")
    if kind == "logit":
        return f"{net}.{name}", v.T if v.dim() == 2 else v
    if kind.endswith("_norm"):
        rest = {"weight": "gamma", "bias": "beta", "running_mean": "running_mean", "running_var": "running_variance"}[rest]
        if (net, kind, i) == ("generator", "dense_norm", "1"):
            v = channels_last(v, 0)
        return f"{net}.{kind[:-5]}.{i}.norm.{rest}", v
    if kind == "up" and v.dim() == 4:
        v = v.permute(2, 3, 0, 1)
    elif kind == "down" and v.dim() == 4:
        v = v.permute(2, 3, 1, 0)
    elif kind == "dense" and images:
        if net == "generator" and i == "1":
            v = channels_last(v, 0)
        if net == "discriminator" and v.dim() == 2:
            v = channels_last(v, 1)
        v = v.T if v.dim() == 2 else v
    elif v.dim() == 2:
        v = v.T
    return f"{net}.{kind}.{i}.{rest}", v


def state(module):
    """Weights and running statistics by name."""
    return {k: v for k, v in module.state_dict().items() if not k.endswith("num_batches_tracked")}


def set_momentum(module, momentum):
    for m in module.modules():
        if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
            m.momentum = momentum


out = {}


def put(name, value):
    out[f"{variant}.{name}"] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")


def put_image(name, value):
    put(name, value.movedim(-3, -1) if images else value)


for variant in ("table", "image"):
    images = variant == "image"
    torch.manual_seed(1703)
    g, d = (ImageGenerator(), ImageDiscriminator()) if images else (TableGenerator(), TableDiscriminator())
    latent, shape = (4, (1, SIDE, SIDE)) if images else (3, (WIDTH,))
    nets = dict(generator=g, discriminator=d)
    for net, module in nets.items():
        for name, v in state(module).items():
            if name.endswith("norm.0.weight") or name.endswith("norm.1.weight"):
                v.uniform_(0.5, 1.5)
            if images and name == "up.1.weight":
                v.mul_(8)  # Images with contrast, which a search can lower its loss on.
        for name, v in state(module).items():
            name, v = translate(net, name, v)
            put(f"weights.{name}", v)
    average = {net: {k: v.clone() for k, v in state(m).items()} for net, m in nets.items()}
    adam = {net: torch.optim.Adam(m.parameters(), RATE, (0.5, 0.999)) for net, m in nets.items()}
    x = torch.rand(STEPS, BATCH, *shape) * 2 - 1
    z = torch.randn(STEPS, 2, BATCH, latent)
    put_image("x", x)
    put("z", z)

    # Outputs with running statistics, before training.
    for m in nets.values():
        m.eval()
    put_image("generated", g(z[0, 0]))
    logit, f = d(x[0])
    put("logit", logit)
    put("features", f)
    for m in nets.values():
        m.train()

    def gradient_norms(net):
        for name, p in nets[net].named_parameters():
            put(f"gradient_norm.{translate(net, name, p)[0]}", p.grad.norm())

    losses = []
    for step in range(STEPS):
        # A network that only feeds the other's loss does not move its running statistics.
        set_momentum(d, 0.1), set_momentum(g, 0.0)
        with torch.no_grad():
            fake = g(z[step, 0])
        ld = bce(d(x[step])[0], 1.0) + bce(d(fake)[0], 0.0)
        adam["discriminator"].zero_grad()
        ld.backward()
        if step == 0:
            gradient_norms("discriminator")
        adam["discriminator"].step()

        set_momentum(d, 0.0), set_momentum(g, 0.1)
        lg = bce(d(g(z[step, 1]))[0], 1.0)
        adam["generator"].zero_grad()
        lg.backward()
        if step == 0:
            gradient_norms("generator")
        adam["generator"].step()
        losses.append([ld.item(), lg.item()])
        decay = min(DECAY, (1 + step) / (10 + step))
        for net, m in nets.items():
            for k, v in state(m).items():
                average[net][k].mul_(decay).add_(v, alpha=1 - decay)
    put("losses", losses)

    # The search, with averaged weights and statistics.
    for net, m in nets.items():
        m.load_state_dict(average[net], strict=False)
        m.eval()
        m.requires_grad_(False)
        for name, v in state(m).items():
            name, v = translate(net, name, v)
            put(f"average.{name}", v)
    start = torch.randn(QUERIES, latent)
    query = g(torch.randn(QUERIES, latent)) + 0.1 * torch.randn(QUERIES, *shape)
    put_image("query", query)
    put("start", start)
    flat = lambda v: v.flatten(1)
    _, f = d(query)

    def parts(z):
        rebuilt = g(z)
        logit, f_rebuilt = d(rebuilt)
        return flat(query - rebuilt).abs(), (f - f_rebuilt).abs(), bce(logit, 1.0, "none")

    for search in ("feature-matching", "cross-entropy"):
        z = start.clone().requires_grad_()
        optimiser = torch.optim.Adam([z], SEARCH_RATE)
        for step in range(SEARCH_STEPS + 1):
            residual, discrimination, cross_entropy = parts(z)
            second = discrimination if search == "feature-matching" else cross_entropy
            loss = (1 - MIX) * residual.mean(1) + MIX * second.mean(1)
            if step in (1, 5, 20):
                put(f"{search}.loss_{step}", loss)
            if step == 5:
                put(f"{search}.z_5", z)
            if step == SEARCH_STEPS:
                put(f"{search}.z_20", z)
                put(f"{search}.part.residual", residual.mean(1))
                put(f"{search}.part.discrimination", discrimination.mean(1))
                put(f"{search}.part.cross_entropy", cross_entropy[:, 0])
                put(f"{search}.paper_score", (1 - MIX) * residual.sum(1) + MIX * discrimination.sum(1))
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()

save_file(out, "anogan.safetensors", {"torch": torch.__version__})
print(f"{len(out)} arrays, {sum(v.size for v in out.values())} numbers, torch {torch.__version__}")
