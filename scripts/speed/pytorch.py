#!/usr/bin/env python3
"""The cases of `unlike bench speed`, written with PyTorch. One JSON object per line.

    pip install torch numpy && python pytorch.py [--cases a,b] [--variants plain,channels-last,compile]

The networks are those of the papers (GANomaly: the authors' lib/networks.py; EGBAD: mnist_utilities.py and
kdd_utilities.py; AnoGAN: the networks of EGBAD's authors, folder gan/), at their full widths. A training case is one
complete update of all networks including Adam; a scoring case gives one number per sample. Values are medians after two
runs that do not count. The process's own memory is read by `compare.py`.
"""
import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

GANOMALY_BATCH, EGBAD_BATCH, KDD_BATCH, KDD_SCORING_BATCH = 64, 100, 50, 4096
SEARCH_STEPS = 100


def down(inputs, outputs, size=4, stride=2, padding=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding, bias=False)


def up(inputs, outputs, size=4, stride=2, padding=1):
    return nn.ConvTranspose2d(inputs, outputs, size, stride, padding, bias=False)


class GanomalyEncoder(nn.Module):
    """x [N, C, S, S] to z [N, outputs, 1, 1] and the features [N, 8·S, 4, 4] before it."""

    def __init__(self, side, channels, outputs, width=64):
        super().__init__()
        layers = [down(channels, width), nn.LeakyReLU(0.2)]
        side //= 2
        while side > 4:
            layers += [down(width, 2 * width), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)]
            side, width = side // 2, 2 * width
        self.body, self.last = nn.Sequential(*layers), down(width, outputs, 4, 1, 0)

    def forward(self, x):
        features = self.body(x)
        return self.last(features), features


def ganomaly_decoder(side, channels, latent, width=64):
    width = width * side // 8
    layers, at = [up(latent, width, 4, 1, 0), nn.BatchNorm2d(width), nn.ReLU()], 4
    while at < side // 2:
        layers += [up(width, width // 2), nn.BatchNorm2d(width // 2), nn.ReLU()]
        at, width = 2 * at, width // 2
    return nn.Sequential(*layers, up(width, channels), nn.Tanh())


class Generator(nn.Module):
    """GANomaly's: encoder, decoder, encoder."""

    def __init__(self, side, channels, latent=100):
        super().__init__()
        self.encoder = GanomalyEncoder(side, channels, latent)
        self.decoder = ganomaly_decoder(side, channels, latent)
        self.encoder2 = GanomalyEncoder(side, channels, latent)

    def forward(self, x):
        z, _ = self.encoder(x)
        rebuilt = self.decoder(z)
        return z, rebuilt, self.encoder2(rebuilt)[0]


LEAKY = nn.LeakyReLU(0.1)


def egbad28_encoder():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 1, 1), LEAKY,
        nn.Conv2d(32, 64, 3, 2, 1), nn.BatchNorm2d(64), LEAKY,
        nn.Conv2d(64, 128, 3, 2, 1), nn.BatchNorm2d(128), LEAKY,
        nn.Flatten(), nn.Linear(128 * 7 * 7, 200),
    )


def egbad28_generator():
    return nn.Sequential(
        nn.Linear(200, 1024), nn.BatchNorm1d(1024), nn.ReLU(),
        nn.Linear(1024, 7 * 7 * 128), nn.BatchNorm1d(7 * 7 * 128), nn.ReLU(),
        nn.Unflatten(1, (128, 7, 7)),
        up(128, 64), nn.BatchNorm2d(64), nn.ReLU(),
        up(64, 1), nn.Tanh(),
    )


class PairDiscriminator(nn.Module):
    """A pair (x, z) to its logit and the features before it."""

    def __init__(self, x, z, joint):
        super().__init__()
        self.x, self.z, self.joint = x, z, joint
        self.logit = nn.Linear(joint[0].out_features, 1)

    def forward(self, x, z):
        features = self.joint(torch.cat([self.x(x), self.z(z)], 1))
        return self.logit(features), features


def egbad28_discriminator():
    drop = nn.Dropout(0.5)
    return PairDiscriminator(
        nn.Sequential(down(1, 64), LEAKY, drop, down(64, 64), nn.BatchNorm2d(64), LEAKY, drop, nn.Flatten()),
        nn.Sequential(nn.Linear(200, 512), LEAKY, drop),
        nn.Sequential(nn.Linear(64 * 7 * 7 + 512, 1024), LEAKY, drop),
    )


def egbad_kdd():
    drop = nn.Dropout(0.2)
    encoder = nn.Sequential(nn.Linear(121, 64), LEAKY, nn.Linear(64, 32))
    generator = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 121))
    discriminator = PairDiscriminator(
        nn.Sequential(nn.Linear(121, 128), LEAKY, drop),
        nn.Sequential(nn.Linear(32, 128), LEAKY, drop),
        nn.Sequential(nn.Linear(256, 128), LEAKY, drop),
    )
    return encoder, generator, discriminator


def anogan28_features():
    return nn.Sequential(
        down(1, 64), LEAKY, down(64, 64), nn.BatchNorm2d(64), LEAKY,
        nn.Flatten(), nn.Linear(64 * 7 * 7, 1024), nn.BatchNorm1d(1024), LEAKY,
    )


def bce(logits, target):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def adam(*networks, rate=2e-4):
    return torch.optim.Adam([p for n in networks for p in n.parameters()], rate, (0.5, 0.999))


def seconds(work, repetitions, warm_up=2):
    times = []
    for run in range(warm_up + repetitions):
        begin = time.perf_counter()
        work()
        if run >= warm_up:
            times.append(time.perf_counter() - begin)
    return statistics.median(times)


class Bench:
    def __init__(self, cases, variant):
        self.cases, self.variant = cases, variant

    def wants(self, *cases):
        return any(case in self.cases for case in cases)

    def say(self, case, value, unit):
        if case in self.cases:
            print(json.dumps(dict(case=case, variant=self.variant, value=value, unit=unit)), flush=True)

    def laid_out(self, networks, *tensors):
        """Channels last in memory, for every variant but the plain one."""
        if self.variant == "plain":
            return tensors
        for network in networks:
            network.to(memory_format=torch.channels_last)
        return tuple(t.contiguous(memory_format=torch.channels_last) if t.dim() == 4 else t for t in tensors)

    def compiled(self, *networks):
        return [torch.compile(n) for n in networks] if self.variant == "compile" else networks

    def ganomaly(self, side, channels):
        train, score64, score1 = (f"ganomaly{side}_{what}" for what in ("train", "score64", "score1"))
        if not self.wants(train, score64, score1):
            return
        g, d = Generator(side, channels), GanomalyEncoder(side, channels, 1)
        (x,) = self.laid_out([g, d], torch.rand(GANOMALY_BATCH, channels, side, side) * 2 - 1)
        adam_g, adam_d = adam(g), adam(d)
        generate, discriminate = self.compiled(g, d)

        def update():
            z, rebuilt, z2 = generate(x)
            real, _ = discriminate(x)
            fake, _ = discriminate(rebuilt.detach())
            adam_g.zero_grad()
            feature = F.mse_loss(discriminate(rebuilt)[1], discriminate(x)[1])
            (feature + 50 * F.l1_loss(rebuilt, x) + F.mse_loss(z2, z)).backward(retain_graph=True)
            adam_g.step()
            adam_d.zero_grad()
            (0.5 * (bce(real, 1.0) + bce(fake, 0.0))).backward()
            adam_d.step()

        if self.wants(train):
            self.say(train, GANOMALY_BATCH / seconds(update, 7), "samples/s")
        g.eval()

        @torch.no_grad()
        def score(x):
            z, _, z2 = generate(x)
            return (z - z2).square().mean((1, 2, 3))

        if self.wants(score64):
            self.say(score64, GANOMALY_BATCH / seconds(lambda: score(x), 15), "samples/s")
        if self.wants(score1):
            (one,) = self.laid_out([], x[:1].clone())
            self.say(score1, 1e3 * seconds(lambda: score(one), 60), "ms")

    def egbad(self, name, networks, batch, scoring_batch, latent, sample):
        train, score = f"{name}_train", "egbad28_score100" if name == "egbad28" else f"{name}_score"
        if not self.wants(train, score):
            return
        (x,) = self.laid_out(networks, sample(batch))
        e, g, d = networks
        adam_ge, adam_d = adam(e, g), adam(d)
        encode, generate, discriminate = self.compiled(e, g, d)

        def update():
            z = torch.randn(batch, latent)
            with torch.no_grad():
                gz, ex = generate(z), encode(x)
            adam_d.zero_grad()
            (bce(discriminate(x, ex)[0], 1.0) + bce(discriminate(gz, z)[0], 0.0)).backward()
            adam_d.step()
            z = torch.randn(batch, latent)
            adam_ge.zero_grad()
            (bce(discriminate(generate(z), z)[0], 1.0) + bce(discriminate(x, encode(x))[0], 0.0)).backward()
            adam_ge.step()

        if self.wants(train):
            self.say(train, batch / seconds(update, 9 if x.dim() == 4 else 200), "samples/s")
        for network in networks:
            network.eval()
        (queries,) = self.laid_out([], sample(scoring_batch))

        @torch.no_grad()
        def scores():
            z = encode(queries)
            rebuilt = generate(z)
            f, f_rebuilt = discriminate(queries, z)[1], discriminate(rebuilt, z)[1]
            return 0.9 * (queries - rebuilt).abs().flatten(1).mean(1) + 0.1 * (f - f_rebuilt).abs().mean(1)

        if self.wants(score):
            self.say(score, scoring_batch / seconds(scores, 15), "samples/s")

    def anogan(self):
        if not self.wants("anogan28_search64", "anogan28_search1"):
            return
        g, f = egbad28_generator().eval(), anogan28_features().eval()
        for p in [*g.parameters(), *f.parameters()]:
            p.requires_grad_(False)
        for queries in (64, 1):
            (x,) = self.laid_out([g, f], torch.rand(queries, 1, 28, 28) * 2 - 1)
            generate, features = self.compiled(g, f)
            fx = features(x)

            def search():
                z = torch.zeros(queries, 200, requires_grad=True)
                optimiser = torch.optim.Adam([z], 1e-2)
                for _ in range(SEARCH_STEPS):
                    optimiser.zero_grad()
                    rebuilt = generate(z)
                    residual = (x - rebuilt).abs().flatten(1).mean(1)
                    (0.9 * residual + 0.1 * (fx - features(rebuilt)).abs().mean(1)).sum().backward()
                    optimiser.step()

            case = f"anogan28_search{queries}"
            if self.wants(case):
                self.say(case, queries * SEARCH_STEPS / seconds(search, 3, 1), "query-steps/s")


CASES = (
    "ganomaly32_train ganomaly32_score64 ganomaly32_score1 ganomaly64_train egbad28_train egbad28_score100 "
    "egbadkdd_train egbadkdd_score anogan28_search64 anogan28_search1"
).split()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--variants", default="plain,channels-last")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    if "compile" in options.variants:
        # The step keeps a graph that a second backward pass needs.
        torch._functorch.config.donated_buffer = False
    for variant in options.variants.split(","):
        torch.manual_seed(0)
        bench = Bench(options.cases.split(","), variant)
        bench.ganomaly(32, 1)
        bench.ganomaly(64, 3)
        images = lambda n: torch.rand(n, 1, 28, 28) * 2 - 1
        networks = egbad28_encoder(), egbad28_generator(), egbad28_discriminator()
        bench.egbad("egbad28", networks, EGBAD_BATCH, EGBAD_BATCH, 200, images)
        rows = lambda n: torch.randn(n, 121)
        bench.egbad("egbadkdd", egbad_kdd(), KDD_BATCH, KDD_SCORING_BATCH, 32, rows)
        bench.anogan()


if __name__ == "__main__":
    main()
