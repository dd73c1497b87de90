#!/usr/bin/env python3
"""Writes ganomaly.safetensors: what PyTorch computes for small GANomalys, for `models/ganomaly.rs` to be compared with.

    pip install torch numpy safetensors && python export.py

The step goes in the order of the authors' code: G forward, D on x and on the detached reconstruction, G's loss with D
evaluated on the reconstruction once more, G's update, D's loss from the predictions made before it, D's update. In that
further evaluation D moves nothing, as in `unlike`; no loss depends on that.

Per variant (three sizes of images, one with extra layers and colour, and tables; the authors' adversarial loss and the
survey's; spectral norm in D): every network with its running statistics, five batches, every network's output in
evaluation mode, all gradients at the start, the losses of five steps, every network and its average after them, and the
score's parts.
"""
import copy
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

sys.path.append(str(pathlib.Path(__file__).parents[1]))
from nets import *

STEPS, RATE, DECAY, LEAKY = 5, 1e-3, 0.9, leaky(0.2)
WEIGHTS = dict(adversarial=1.0, reconstruction=50.0, latent=1.0)
HALVE, KEEP, WHOLE = (4, 2, 1), (3, 1, 1), (4, 1, 0)


def pyramid_encoder(side, channels, width, extra, outputs, spectral=False):
    # Spectral norm takes the place of batch norm, which had a shift.
    normed = dict(act=LEAKY, norm=not spectral, spectral=spectral)
    bare = dict(spectral=spectral, bias=False)
    layers = [conv(channels, width, HALVE, LEAKY, **bare)]
    layers += [conv(width, width, KEEP, **normed) for _ in range(extra)]
    side //= 2
    while side > 4:
        layers.append(conv(width, 2 * width, HALVE, **normed))
        side, width = side // 2, 2 * width
    return Stack(layers + [conv(width, outputs, WHOLE, **bare)])


def pyramid_decoder(side, channels, width, extra, latent):
    # The authors count up to the deepest width and back.
    deep, reached = width // 2, 4
    while reached != side:
        deep, reached = deep * 2, reached * 2
    layers, reached = [conv_up(latent, deep, WHOLE, relu, True)], 4
    while reached < side // 2:
        layers.append(conv_up(deep, deep // 2, HALVE, relu, True))
        deep, reached = deep // 2, reached * 2
    layers += [conv(deep, deep, KEEP, relu, True) for _ in range(extra)]
    return Stack(layers + [conv_up(deep, channels, HALVE, tanh, bias=False)])


TABLE = dict(features=9, encoder=[6, 5], discriminator=[7, 4], latent=2, batch=8)
VARIANTS = {
    "colour": dict(side=16, channels=3, width=4, extra=1, latent=5, batch=3),
    "grey": dict(side=32, channels=1, width=2, extra=0, latent=3, batch=3),
    "grey-cross-entropy": dict(side=16, channels=1, width=2, extra=0, latent=3, batch=3),
    "grey-spectral": dict(side=16, channels=1, width=2, extra=0, latent=3, batch=3),
    "table": TABLE,
    "table-cross-entropy": TABLE,
    "table-spectral": TABLE,
}
out = Fixture()


def build(v, spectral):
    if "side" in v:
        shape = (v["side"], v["channels"], v["width"], v["extra"])
        encoders = [pyramid_encoder(*shape, v["latent"]) for _ in range(2)]
        decoder = pyramid_decoder(*shape, v["latent"])
        discriminator = pyramid_encoder(*shape, 1, spectral)
    else:
        down = [v["features"], *v["encoder"], v["latent"]]
        encoders, decoder = [mlp(down, LEAKY) for _ in range(2)], mlp(down[::-1], relu)
        discriminator = mlp([v["features"], *v["discriminator"], 1], LEAKY, spectral=spectral)
    nets = dict(encoder=encoders[0], decoder=decoder, second_encoder=encoders[1], discriminator=discriminator)
    return {name: net.double() for name, net in nets.items()}


def judge(d, x, mode):
    """Logit and features."""
    f = x
    for layer in d[:-1]:
        f = layer(f, mode)
    return d[-1](f, mode), f


def loss_terms(nets, x, cross_entropy):
    e, decoder, e2, d = nets.values()
    z = e(x, "train")
    x_hat = decoder(z, "train")
    z_hat = e2(x_hat, "train")
    pred_real, f = judge(d, x, "train")
    # On images D's singular vectors are those after both predictions, on tables those between them.
    after = x.dim() == 4
    still_ahead = None if after else judge(d, x_hat, "frozen")
    pred_fake, _ = judge(d, x_hat.detach(), "train")
    verdict, f_hat = judge(d, x_hat, "frozen") if after else still_ahead
    if cross_entropy:
        adversarial = bce(verdict, 1.0)
    else:
        adversarial = F.mse_loss(f_hat, f.detach())
    reconstruction, latent = F.l1_loss(x_hat, x), F.mse_loss(z_hat, z)
    err_g = (
        adversarial * WEIGHTS["adversarial"]
        + reconstruction * WEIGHTS["reconstruction"]
        + latent * WEIGHTS["latent"]
    )
    err_d = (bce(pred_real, 1.0) + bce(pred_fake, 0.0)) * 0.5
    return err_d, err_g, reconstruction, latent, adversarial


for variant, v in VARIANTS.items():
    torch.manual_seed(1805)
    nets = build(v, variant.endswith("spectral"))
    cross_entropy = variant.endswith("cross-entropy")
    put = lambda name, value: out.put(f"{variant}.{name}", value)
    out.put_nets(f"{variant}.weights", nets)
    average = Average(nets)
    shape = (v["channels"], v["side"], v["side"]) if "side" in v else (v["features"],)
    x = (torch.rand(STEPS, v["batch"], *shape) * 2 - 1).double()
    out.put_rows(f"{variant}.x", x)

    def put_outputs(prefix, nets, x):
        e, decoder, e2, d = nets.values()
        z = e(x, "score")
        x_hat = decoder(z, "score")
        z_hat = e2(x_hat, "score")
        (logit, f), (_, f_hat) = judge(d, x, "score"), judge(d, x_hat, "score")
        for name, value in dict(z=z, x_hat=x_hat, z_hat=z_hat, f=f, logit=logit).items():
            put(f"{prefix}.{name}", rows(value))
        put(f"{prefix}.part.reconstruction", (rows(x) - rows(x_hat)).abs().mean(1))
        put(f"{prefix}.part.latent", (rows(z) - rows(z_hat)).pow(2).mean(1))
        put(f"{prefix}.part.latent_absolute", (rows(z) - rows(z_hat)).abs().mean(1))
        put(f"{prefix}.part.feature", (rows(f) - rows(f_hat)).pow(2).mean(1))

    put_outputs("before", average.scoring(), x[0])

    trial = copy.deepcopy(nets)
    err_d, err_g, *_ = loss_terms(trial, x[0], cross_entropy)
    generator = {name: net for name, net in trial.items() if name != "discriminator"}
    out.put_gradients(f"{variant}.gradient", err_g, generator)
    out.put_gradients(f"{variant}.gradient", err_d, dict(discriminator=trial["discriminator"]))

    adam = {name: torch.optim.Adam(net.parameters(), RATE, (0.5, 0.999)) for name, net in nets.items()}
    losses = []
    for step in range(STEPS):
        terms = loss_terms(nets, x[step], cross_entropy)
        # Both gradients are those before either update.
        ours = [net for name, net in nets.items() if name != "discriminator"]
        parameters = [p for net in ours for p in net.parameters()]
        gradients = torch.autograd.grad(terms[1], parameters, retain_graph=True)
        minimise(terms[0], [nets["discriminator"]], [adam["discriminator"]])
        for p, gradient in zip(parameters, gradients):
            p.grad = gradient
        for name in ("encoder", "decoder", "second_encoder"):
            adam[name].step()
        losses.append([term.item() for term in terms])
        average.fold(nets, warmed(DECAY, step))
    put("losses", losses)
    out.put_nets(f"{variant}.trained", nets)
    out.put_nets(f"{variant}.average", average.nets)
    query = (torch.rand(4, *shape) * 2 - 1).double()
    out.put_rows(f"{variant}.query", query)
    put_outputs("after", average.scoring(), query)

out.save("ganomaly.safetensors")
