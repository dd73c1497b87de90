#!/usr/bin/env python3
"""Writes images.safetensors: what PyTorch computes for a small EGBAD on images, for `models/egbad.rs` to be compared with.

    pip install torch numpy safetensors && python export_images.py

The authors' MNIST network at 16 px, 3 colours and tiny widths: two halvings, as at 28 px. Dropout is off, because its
masks cannot be shared. Batch norm has three modes: "train" uses the batch's statistics and moves the running ones,
"frozen" uses the batch's and moves nothing, "score" uses the running ones. Per variant (the residual term of E alone,
of E and G, and feature matching), all from the same weights and batches: loss terms and gradient norms of the first
step, losses of five steps, score parts after them with averaged weights and running statistics. `shared`: weights,
batches, and every network's output in each mode.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file

SIDE, COLOURS, WIDTH, LATENT, DENSE, Z, JOINT = 16, 3, 2, 3, 5, 4, 6
BATCH, STEPS, SLOPE, RATE, DECAY, RESIDUAL = 6, 5, 0.1, 1e-3, 0.9, 10.0
SMALL = SIDE // 4
MODE = ["train"]
leaky = lambda x: F.leaky_relu(x, SLOPE)


class mode:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.before, MODE[0] = MODE[0], self.name

    def __exit__(self, *_):
        MODE[0] = self.before


class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gamma = nn.Parameter(1 + 0.1 * torch.randn(channels))
        self.beta = nn.Parameter(0.1 * torch.randn(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(self, x):
        if MODE[0] == "frozen":
            return F.batch_norm(x, None, None, self.gamma, self.beta, True)
        training = MODE[0] == "train"
        return F.batch_norm(x, self.running_mean, self.running_variance, self.gamma, self.beta, training, 0.1)


class Layer(nn.Module):
    """A weight, a bias if there is no norm, and the norm."""

    def __init__(self, inner, norm=None):
        super().__init__()
        self.inner = inner
        self.norm = Norm(norm) if norm else None

    def forward(self, x):
        y = self.inner(x)
        return self.norm(y) if self.norm else y


conv = lambda i, o, k, s, norm: Layer(nn.Conv2d(i, o, k, s, 1, bias=not norm), o if norm else None)
convt = lambda i, o, norm: Layer(nn.ConvTranspose2d(i, o, 4, 2, 1, bias=not norm), o if norm else None)
dense = lambda i, o, norm=False: Layer(nn.Linear(i, o, bias=not norm), o if norm else None)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTH
        self.maps = nn.ModuleList([conv(COLOURS, w, 3, 1, False), conv(w, 2 * w, 3, 2, True), conv(2 * w, 4 * w, 3, 2, True)])
        self.layers = nn.ModuleList([dense(SMALL * SMALL * 4 * w, LATENT)])

    def forward(self, x):
        for layer in self.maps:
            x = leaky(layer(x))
        return self.layers[0](x.flatten(1))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        w = WIDTH
        self.layers = nn.ModuleList([dense(LATENT, DENSE, True), dense(DENSE, SMALL * SMALL * 4 * w, True)])
        self.maps = nn.ModuleList([convt(4 * w, 2 * w, True), convt(2 * w, COLOURS, False)])

    def forward(self, z):
        for layer in self.layers:
            z = F.relu(layer(z))
        h = F.relu(self.maps[0](z.view(-1, 4 * WIDTH, SMALL, SMALL)))
        return torch.tanh(self.maps[1](h))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        w = 2 * WIDTH
        self.maps = nn.ModuleList([conv(COLOURS, w, 4, 2, False), conv(w, w, 4, 2, True)])
        self.z = nn.ModuleList([dense(LATENT, Z)])
        self.meet, self.logit = dense(SMALL * SMALL * w + Z, JOINT), dense(JOINT, 1)

    def forward(self, x, z):
        for layer in self.maps:
            x = leaky(layer(x))
        f = leaky(self.meet(torch.cat([x.flatten(1), leaky(self.z[0](z))], 1)))
        return self.logit(f), f


def bce(logit, target):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target))


out = {}


def put(name, value):
    if name.startswith("shared.") and name in out:
        return  # every variant starts alike
    # A copy: parameters go on changing in place.
    out[name] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")


def put_images(name, x):
    """[..., C, H, W] as rows of [H, W, C]."""
    put(name, x.movedim(-3, -1).flatten(-3))


def rows_nhwc(weight, channels, others=0):
    """Rows of a dense weight [inputs, outputs] that come from maps, from channels first to channels last."""
    maps, rest = weight[: weight.shape[0] - others], weight[weight.shape[0] - others :]
    maps = maps.view(channels, SMALL, SMALL, -1).permute(1, 2, 0, 3).reshape(maps.shape)
    return torch.cat([maps, rest])


def units_nhwc(values):
    """The last axis, from channels first to channels last."""
    shape = values.shape
    return values.reshape(-1, 4 * WIDTH, SMALL, SMALL).permute(0, 2, 3, 1).reshape(shape)


def ours(name, value):
    """The name and layout of `unlike`."""
    short = name.replace("layers.", "").replace("inner.", "")
    value = value.detach()
    if short.startswith("generator.maps") and value.dim() == 4:
        value = value.permute(2, 3, 0, 1)
    elif value.dim() == 4:
        value = value.permute(2, 3, 1, 0)
    elif value.dim() == 2:
        value = value.T
    if short == "encoder.0.weight":
        value = rows_nhwc(value, 4 * WIDTH)
    elif short == "discriminator.meet.weight":
        value = rows_nhwc(value, 2 * WIDTH, Z)
    elif short.startswith("generator.1."):
        value = units_nhwc(value)
    return short, value


def put_weights(prefix, nets):
    for net, module in nets.items():
        for name, value in module.state_dict().items():
            name, value = ours(f"{net}.{name}", value)
            put(f"{prefix}.{name}", value)


for variant in ("encoder", "encoder-and-generator", "feature-matching"):
    torch.manual_seed(1906)
    e, g, d = Encoder(), Generator(), Discriminator()
    nets = dict(encoder=e, generator=g, discriminator=d)
    put_weights("shared.weights", nets)
    average = {k: {n: v.clone() for n, v in m.state_dict().items()} for k, m in nets.items()}
    adam = {k: torch.optim.Adam(m.parameters(), RATE, (0.5, 0.999)) for k, m in nets.items()}
    x = torch.rand(STEPS, 2, BATCH, COLOURS, SIDE, SIDE) * 2 - 1
    z = torch.randn(STEPS, 2, BATCH, LATENT)
    put_images("shared.x", x)
    put("shared.z", z)

    def discriminator_loss(x, z):
        with torch.no_grad(), mode("frozen"):
            ex, gz = e(x), g(z)
        return bce(d(x, ex)[0], 1.0) + bce(d(gz, z)[0], 0.0)

    def generator_encoder_losses(x, z):
        # Where both train by the residual term, G's running statistics are those of E(x) alone.
        with mode("frozen" if variant == "encoder-and-generator" else "train"):
            gz = g(z)
        ex = e(x)
        with mode("frozen"):
            fake, f_fake = d(gz, z)
            real, f_real = d(x, ex)
        if variant == "feature-matching":
            return F.mse_loss(f_fake.mean(0), f_real.detach().mean(0)), bce(real, 0.0), torch.zeros(())
        lg, le = bce(fake, 1.0), bce(real, 0.0)
        if variant == "encoder":
            # G as it scores, its weights fixed; gradients go on to E.
            with mode("score"):
                rebuilt = torch.func.functional_call(g, {k: p.detach() for k, p in g.named_parameters()}, (ex,))
        else:
            rebuilt = g(ex)
        residual = F.l1_loss(rebuilt, x)
        return lg, le + RESIDUAL * residual, residual

    # Outputs of every network, before training.
    for name in ("frozen", "score"):
        with torch.no_grad(), mode(name):
            put(f"shared.{name}.encoded", e(x[0, 0]))
            put_images(f"shared.{name}.generated", g(z[0, 0]))
            logit, f = d(x[0, 0], z[0, 0])
            put(f"shared.{name}.logit", logit)
            put(f"shared.{name}.features", f)

    def put_norms(nets):
        for net, module in nets.items():
            for name, p in module.named_parameters():
                put(f"{variant}.gradient_norm.{ours(f'{net}.{name}', p)[0]}", p.grad.norm())

    losses = []
    for step in range(STEPS):
        ld = discriminator_loss(x[step, 0], z[step, 0])
        adam["discriminator"].zero_grad()
        ld.backward()
        if step == 0:
            put_norms(dict(discriminator=d))
        adam["discriminator"].step()

        lg, le, residual = generator_encoder_losses(x[step, 1], z[step, 1])
        for m in nets.values():
            m.zero_grad()
        (lg + le).backward()
        if step == 0:
            put_norms(dict(encoder=e, generator=g))
        adam["encoder"].step()
        adam["generator"].step()
        losses.append([ld.item(), lg.item(), le.item(), residual.item()])
        decay = min(DECAY, (1 + step) / (10 + step))
        with torch.no_grad():
            for k, m in nets.items():
                for n, v in m.state_dict().items():
                    average[k][n].mul_(decay).add_(v, alpha=1 - decay)
    put(f"{variant}.losses", losses)
    put_weights(f"{variant}.trained", nets)

    # The score's parts, with averaged weights and running statistics.
    for k, m in nets.items():
        m.load_state_dict(average[k])
    with torch.no_grad(), mode("score"):
        query = torch.rand(9, COLOURS, SIDE, SIDE) * 2 - 1
        ex = e(query)
        rebuilt = g(ex)
        f, (logit, f_hat) = d(query, ex)[1], d(rebuilt, ex)
        put_images("shared.query", query)
        put_images(f"{variant}.reconstruction", rebuilt)
        residual = (query - rebuilt).abs().flatten(1)
        put(f"{variant}.part.residual", residual.mean(1))
        put(f"{variant}.part.feature", (f - f_hat).abs().mean(1))
        put(f"{variant}.part.cross_entropy", F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit), reduction="none")[:, 0])
        put(f"{variant}.paper_score", 0.9 * residual.sum(1) + 0.1 * (f - f_hat).abs().sum(1))

save_file(out, "images.safetensors", {"torch": torch.__version__})
print(f"{len(out)} arrays, torch {torch.__version__}")
