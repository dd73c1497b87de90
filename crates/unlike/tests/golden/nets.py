"""What the exporters share: layers as unlike has them, in PyTorch, and their arrays under unlike's names and in its layouts.

Weights and samples are drawn in single precision, and everything else is computed in double: so what a comparison finds
is unlike's own rounding. Fixtures are single precision.

A network is run in one of three modes. `train`: batch norm uses the batch's statistics and moves the running ones,
spectral norm moves its vectors; `frozen`: the same numbers, nothing moves; `score`: running statistics, nothing moves.
Maps become rows, and rows maps, with their channels innermost, so that no weight has to be put in another order.
"""
import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.numpy import save_file
from torch.nn.utils.parametrizations import spectral_norm

identity, relu, tanh = lambda h: h, F.relu, torch.tanh
leaky = lambda slope: lambda h: F.leaky_relu(h, slope)


def rows(h):
    return (h.permute(0, 2, 3, 1) if h.dim() == 4 else h).flatten(1)


def maps(h, side):
    return h.view(len(h), side, side, -1).permute(0, 3, 1, 2)


class Norm(nn.Module):
    """Batch norm, everything off its starting value, so that nothing can be forgotten unnoticed."""

    def __init__(self, channels):
        super().__init__()
        self.gamma = nn.Parameter(1 + 0.2 * torch.randn(channels))
        self.beta = nn.Parameter(0.1 * torch.randn(channels))
        self.register_buffer("running_mean", 0.1 * torch.randn(channels))
        self.register_buffer("running_variance", 0.5 + torch.rand(channels))

    def forward(self, h, mode):
        if mode == "frozen":
            return F.batch_norm(h, None, None, self.gamma, self.beta, True)
        running = self.running_mean, self.running_variance
        return F.batch_norm(h, *running, self.gamma, self.beta, mode == "train", 0.1)


class Layer(nn.Module):
    """act(norm(op(h)))."""

    def __init__(self, op, act, norm=False, spectral=False):
        super().__init__()
        self.norm = Norm(op.out_features if isinstance(op, nn.Linear) else op.out_channels) if norm else None
        self.op, self.act, self.spectral = spectral_norm(op) if spectral else op, act, spectral

    def forward(self, h, mode):
        if self.spectral:
            self.op.parametrizations.train(mode == "train")
        h = self.op(rows(h) if isinstance(self.op, nn.Linear) else h)
        return self.act(h if self.norm is None else self.norm(h, mode))

    def leaves(self):
        """Name, tensor and layout in unlike, of parameters and of what is learned without gradients."""
        op, kind = self.op, type(self.op)
        if self.spectral:
            kind = kind.__mro__[1]  # a parametrised module has a class of its own
        layout = {
            nn.Linear: lambda w: w.T,  # [inputs, outputs]
            nn.Conv2d: lambda w: w.permute(2, 3, 1, 0),  # [K, K, inputs, outputs]
            nn.ConvTranspose2d: lambda w: w.permute(2, 3, 0, 1),
        }[kind]
        yield "weight", op.parametrizations.weight.original if self.spectral else op.weight, layout
        if op.bias is not None:
            yield "bias", op.bias, identity
        if self.spectral:
            vectors = op.parametrizations.weight[0]
            yield "spectral.u", vectors._u, identity
            window = identity
            if kind is not nn.Linear:
                # Over [inputs, K, K] in PyTorch, over [K, K, inputs] here.
                window = lambda v: v.reshape(op.in_channels, *op.kernel_size).permute(1, 2, 0).flatten()
            yield "spectral.v", vectors._v, window
        if self.norm is not None:
            for name in ("gamma", "beta", "running_mean", "running_variance"):
                yield f"norm.{name}", getattr(self.norm, name), identity


def dense(inputs, outputs, act=identity, norm=False, spectral=False):
    return Layer(nn.Linear(inputs, outputs, bias=not norm), act, norm, spectral)


def conv(inputs, outputs, window, act=identity, norm=False, spectral=False, bias=True):
    return Layer(nn.Conv2d(inputs, outputs, *window, bias=bias and not norm), act, norm, spectral)


def conv_up(inputs, outputs, window, act=identity, norm=False, bias=True):
    return Layer(nn.ConvTranspose2d(inputs, outputs, *window, bias=bias and not norm), act, norm)


class Stack(nn.ModuleList):
    """Layers one after the other."""

    def forward(self, h, mode):
        for layer in self:
            h = layer(h, mode)
        return h


def mlp(widths, hidden, last=identity, spectral=False):
    """Fully connected layers: these widths, the input's first, with the last one's activation."""
    acts = [hidden] * (len(widths) - 2) + [last]
    return Stack(dense(*pair, act, spectral=spectral) for *pair, act in zip(widths, widths[1:], acts))


def leaves(net):
    """Name, tensor and layout of everything that is learned."""
    for path, layer in net.named_modules():
        if isinstance(layer, Layer):
            for name, tensor, layout in layer.leaves():
                yield f"{path}.{name}", tensor, layout


def still(net, *args):
    """The network, its parameters constants."""
    return torch.func.functional_call(net, {name: p.detach() for name, p in net.named_parameters()}, args)


def bce(logit, target, reduction="mean"):
    return F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, target), reduction=reduction)


def warmed(decay, step):
    """The decay of an average that forgets where it started."""
    return min(decay, (1 + step) / (10 + step))


class Average:
    """Moving averages of everything that networks learn."""

    def __init__(self, nets):
        self.nets = copy.deepcopy(nets)

    @torch.no_grad()
    def fold(self, nets, decay):
        for name, net in nets.items():
            for (_, average, _), (_, now, _) in zip(leaves(self.nets[name]), leaves(net)):
                average.mul_(decay).add_(now, alpha=1 - decay)

    @torch.no_grad()
    def scoring(self):
        """The networks that score: an average of vectors of length 1 is shorter than 1."""
        nets = copy.deepcopy(self.nets)
        for net in nets.values():
            for name, tensor, _ in leaves(net):
                if ".spectral." in name:
                    tensor.copy_(F.normalize(tensor, dim=0))
        return nets


def minimise(loss, nets, adams):
    """One step of Adam for these networks, and nothing for others."""
    for net, adam in zip(nets, adams):
        adam.zero_grad()
    parameters = [p for net in nets for p in net.parameters()]
    for p, gradient in zip(parameters, torch.autograd.grad(loss, parameters, retain_graph=True)):
        p.grad = gradient
    for adam in adams:
        adam.step()


class Fixture(dict):
    """Arrays by name, in single precision."""

    def put(self, name, value):
        # A copy: parameters go on changing in place.
        self[name] = np.array(torch.as_tensor(value).detach().float().numpy(), order="C")

    def put_rows(self, name, value):
        """[.., N, C, H, W] or [.., N, width], as rows."""
        images = value.dim() >= 4 and value.shape[-1] == value.shape[-2]
        self.put(name, value.movedim(-3, -1).flatten(-3) if images else value)

    def put_nets(self, prefix, nets):
        for net, module in nets.items():
            for name, tensor, layout in leaves(module):
                self.put(f"{prefix}.{net}.{name}", layout(tensor))

    def put_gradients(self, prefix, loss, nets):
        """Of all parameters of these networks."""
        for net, module in nets.items():
            found = [leaf for leaf in leaves(module) if leaf[1].requires_grad]
            gradients = torch.autograd.grad(loss, [p for _, p, _ in found], retain_graph=True)
            for (name, _, layout), gradient in zip(found, gradients):
                self.put(f"{prefix}.{net}.{name}", layout(gradient))

    def save(self, name):
        save_file(self, name, {"torch": torch.__version__})
        numbers = sum(array.size for array in self.values())
        print(f"{len(self)} arrays, {numbers} numbers, torch {torch.__version__}")
