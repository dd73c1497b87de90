#!/usr/bin/env python3
"""Writes ganomaly.safetensors: what PyTorch computes for small GANomalys, for `models/ganomaly.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

The step goes in the order of the authors' code: G forward, D on x and on the detached reconstruction, G's loss with D
evaluated on both once more, G's update, D's loss from the predictions made before it, D's update. In those further
evaluations D's batch norm does not move its running statistics (momentum 0), as in `unlike`; no loss depends on that.

Per variant (two sizes of images, one with extra layers and colour, and a table; a table and images with
cross-entropy as the adversarial loss, as the survey has it): weights and running statistics, five
batches, every network's output in evaluation mode, all gradients of the first step, the losses of five steps, running
statistics and the score's parts after them.
"""
import numpy as np
import torch
import torch.nn as nn
from safetensors.numpy import save_file

STEPS, RATE, SLOPE = 5, 1e-3, 0.2
WEIGHTS = dict(adversarial=1.0, reconstruction=50.0, latent=1.0)
leaky, relu, linear = nn.LeakyReLU(SLOPE), nn.ReLU(), nn.Identity()


class Layer(nn.Module):
    def __init__(self, op, act, norm=None):
        super().__init__()
        self.op, self.norm, self.act = op, norm, act

    def forward(self, h):
        h = self.op(h)
        return self.act(h if self.norm is None else self.norm(h))


def conv(ci, co, window, act, norm):
    return Layer(nn.Conv2d(ci, co, *window, bias=False), act, nn.BatchNorm2d(co) if norm else None)


def conv_t(ci, co, window, act, norm):
    return Layer(nn.ConvTranspose2d(ci, co, *window, bias=False), act, nn.BatchNorm2d(co) if norm else None)


HALVE, KEEP, WHOLE = (4, 2, 1), (3, 1, 1), (4, 1, 0)


def pyramid_encoder(side, channels, width, extra, outputs):
    layers = [conv(channels, width, HALVE, leaky, False)]
    layers += [conv(width, width, KEEP, leaky, True) for _ in range(extra)]
    side //= 2
    while side > 4:
        layers.append(conv(width, 2 * width, HALVE, leaky, True))
        side, width = side // 2, 2 * width
    return layers + [conv(width, outputs, WHOLE, linear, False)]


def pyramid_decoder(side, channels, width, extra, latent):
    # The authors count up to the deepest width and back.
    deep, reached = width // 2, 4
    while reached != side:
        deep, reached = deep * 2, reached * 2
    layers, reached = [conv_t(latent, deep, WHOLE, relu, True)], 4
    while reached < side // 2:
        layers.append(conv_t(deep, deep // 2, HALVE, relu, True))
        deep, reached = deep // 2, reached * 2
    layers += [conv(deep, deep, KEEP, relu, True) for _ in range(extra)]
    return layers + [conv_t(deep, channels, HALVE, nn.Tanh(), False)]


def dense(widths, hidden):
    last = len(widths) - 2
    return [Layer(nn.Linear(a, b), linear if i == last else hidden) for i, (a, b) in enumerate(zip(widths, widths[1:]))]


VARIANTS = {
    "colour": dict(side=16, channels=3, width=4, extra=1, latent=5, batch=3),
    "grey": dict(side=32, channels=1, width=2, extra=0, latent=3, batch=3),
    "table": dict(features=9, encoder=[6, 5], discriminator=[7, 4], latent=2, batch=8),
    "table-cross-entropy": dict(features=9, encoder=[6, 5], discriminator=[7, 4], latent=2, batch=8),
    "grey-cross-entropy": dict(side=16, channels=1, width=2, extra=0, latent=3, batch=3),
}


class Generator(nn.Module):
    def __init__(self, v):
        super().__init__()
        if "side" in v:
            shape = (v["side"], v["channels"], v["width"], v["extra"], v["latent"])
            encoder, decoder, second = pyramid_encoder(*shape), pyramid_decoder(*shape), pyramid_encoder(*shape)
        else:
            down = [v["features"], *v["encoder"], v["latent"]]
            encoder, decoder, second = dense(down, leaky), dense(down[::-1], relu), dense(down, leaky)
        self.encoder, self.decoder, self.second_encoder = (nn.Sequential(*n) for n in (encoder, decoder, second))

    def forward(self, x):
        z = self.encoder(x)
        x_hat = self.decoder(z)
        return x_hat, z, self.second_encoder(x_hat)


class Discriminator(nn.Module):
    def __init__(self, v):
        super().__init__()
        if "side" in v:
            layers = pyramid_encoder(v["side"], v["channels"], v["width"], v["extra"], 1)
        else:
            layers = dense([v["features"], *v["discriminator"], 1], leaky)
        self.features, self.logit = nn.Sequential(*layers[:-1]), nn.Sequential(layers[-1])

    def forward(self, x):
        f = self.features(x)
        return torch.sigmoid(self.logit(f)).view(-1), f

    def still(self, x):
        """The same without moving running statistics."""
        norms = [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]
        for m in norms:
            m.momentum = 0.0
        out = self(x)
        for m in norms:
            m.momentum = 0.1
        return out


out = {}


def put(name, value):
    # A copy: parameters go on changing in place.
    out[name] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")


def rows(h):
    """Images as rows with their channels innermost."""
    return (h.permute(0, 2, 3, 1) if h.dim() == 4 else h).reshape(len(h), -1)


def ours(module, name, value):
    """A parameter's name and layout in unlike."""
    parts = name.split(".")
    layer, leaf = module.get_submodule(".".join(parts[:-2])), parts[-1]
    if parts[-2] == "norm":
        leaf = dict(weight="gamma", bias="beta", running_mean="running_mean", running_var="running_variance")[leaf]
        return ".".join(parts[:-1] + [leaf]), value
    if leaf == "weight":
        if isinstance(layer.op, nn.Linear):
            value = value.T
        elif isinstance(layer.op, nn.ConvTranspose2d):
            value = value.permute(2, 3, 0, 1)
        else:
            value = value.permute(2, 3, 1, 0)
    return ".".join(parts[:-2] + [leaf]), value


def put_state(prefix, nets, which=lambda name: True):
    for net, module in nets.items():
        for name, value in module.state_dict().items():
            if "num_batches" not in name and which(name):
                name, value = ours(module, name, value)
                put(f"{prefix}.{net}.{name}", value)


mse = lambda a, b: torch.mean(torch.pow(a - b, 2))
l1, bce = nn.L1Loss(), nn.BCELoss()

for variant, v in VARIANTS.items():
    torch.manual_seed(1805)
    g, d = Generator(v), Discriminator(v)
    nets = dict(generator=g, discriminator=d)
    # Everything off its starting value, so that nothing can be forgotten unnoticed.
    with torch.no_grad():
        for m in (*g.modules(), *d.modules()):
            if isinstance(m, nn.BatchNorm2d):
                m.weight.normal_(1.0, 0.2)
                m.bias.normal_(0.0, 0.1)
                m.running_mean.normal_(0.0, 0.1)
                m.running_var.uniform_(0.5, 1.5)
    put_state(f"{variant}.weights", nets)
    shape = (v["batch"], v["channels"], v["side"], v["side"]) if "side" in v else (v["batch"], v["features"])
    batches = [torch.rand(shape) * 2 - 1 for _ in range(STEPS)]
    put(f"{variant}.x", torch.stack([rows(x) for x in batches]))

    def put_outputs(prefix, x):
        with torch.no_grad():
            x_hat, z, z_hat = g.eval()(x)
            f, f_hat = d.eval().features(x), d.features(x_hat)
            put(f"{prefix}.z", rows(z))
            put(f"{prefix}.x_hat", rows(x_hat))
            put(f"{prefix}.z_hat", rows(z_hat))
            put(f"{prefix}.f", rows(f))
            put(f"{prefix}.logit", rows(d.logit(f)))
            put(f"{prefix}.part.reconstruction", (rows(x) - rows(x_hat)).abs().mean(1))
            put(f"{prefix}.part.latent", (rows(z) - rows(z_hat)).pow(2).mean(1))
            put(f"{prefix}.part.latent_absolute", (rows(z) - rows(z_hat)).abs().mean(1))
            put(f"{prefix}.part.feature", (rows(f) - rows(f_hat)).pow(2).mean(1))
        g.train(), d.train()

    put_outputs(f"{variant}.before", batches[0])

    optimizer_g = torch.optim.Adam(g.parameters(), RATE, (0.5, 0.999))
    optimizer_d = torch.optim.Adam(d.parameters(), RATE, (0.5, 0.999))
    losses = []
    for step, x in enumerate(batches):
        fake, latent_i, latent_o = g(x)
        pred_real, _ = d(x)
        pred_fake, _ = d(fake.detach())

        optimizer_g.zero_grad()
        if variant.endswith("cross-entropy"):
            verdict = d.still(fake)[0]
            adversarial = bce(verdict, torch.ones_like(verdict))
        else:
            adversarial = mse(d.still(x)[1], d.still(fake)[1])
        reconstruction, latent = l1(fake, x), mse(latent_o, latent_i)
        err_g = (
            adversarial * WEIGHTS["adversarial"]
            + reconstruction * WEIGHTS["reconstruction"]
            + latent * WEIGHTS["latent"]
        )
        err_g.backward(retain_graph=True)
        if step == 0:
            for name, p in g.named_parameters():
                name, grad = ours(g, name, p.grad)
                put(f"{variant}.gradient.generator.{name}", grad)
        optimizer_g.step()

        optimizer_d.zero_grad()
        err_d = (bce(pred_real, torch.ones_like(pred_real)) + bce(pred_fake, torch.zeros_like(pred_fake))) * 0.5
        err_d.backward()
        if step == 0:
            for name, p in d.named_parameters():
                name, grad = ours(d, name, p.grad)
                put(f"{variant}.gradient.discriminator.{name}", grad)
        optimizer_d.step()
        losses.append([t.item() for t in (err_d, err_g, reconstruction, latent, adversarial)])
    put(f"{variant}.losses", losses)
    put_state(f"{variant}.running", nets, lambda name: "running" in name)
    query = torch.rand(4, *shape[1:]) * 2 - 1
    put(f"{variant}.query", rows(query))
    put_outputs(f"{variant}.after", query)

save_file(out, "ganomaly.safetensors", {"torch": torch.__version__})
print(f"{len(out)} arrays, {sum(a.nbytes for a in out.values())} bytes, torch {torch.__version__}")
