"""Writes the small networks of the tests, and what PyTorch says of an image through one of them.

    python3 small.py .

Needs torch, onnx and onnxscript. The weights are drawn with a seed.
"""

import json
import sys
from pathlib import Path

import numpy
import torch
from torch import nn

MEAN = [0.485, 0.456, 0.406]
SD = [0.229, 0.224, 0.225]


class Small(nn.Module):
    """A stem and two blocks with residuals, as a ResNet has them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1, bias=False), nn.BatchNorm2d(6), nn.ReLU())
        self.fine = nn.Sequential(nn.Conv2d(6, 6, 3, 1, 1, bias=False), nn.BatchNorm2d(6))
        self.coarse = nn.Sequential(nn.Conv2d(6, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1))
        self.across = nn.Conv2d(6, 8, 1, 2)
        self.head = nn.Linear(8, 5)

    def forward(self, image):
        x = nn.functional.max_pool2d(self.stem(image), 3, 2, 1)
        fine = torch.relu(x + self.fine(x))
        coarse = torch.relu(self.across(fine) + self.coarse(fine))
        return fine, coarse, self.head(coarse.mean((2, 3)))


class Vector(nn.Module):
    """Says nothing of places."""

    def forward(self, image):
        return image.mean((2, 3))


class Constant(nn.Module):
    """Says the same of every image."""

    def forward(self, image):
        return image.sum(1, keepdim=True) * 0.0


class Infinite(nn.Module):
    """Says what is no number."""

    def forward(self, image):
        return torch.log(image.sum(1, keepdim=True) * 0.0 - 1.0)


def image(height: int, width: int) -> torch.Tensor:
    """Values in [-1, 1], as `tests/onnx.rs` makes them."""
    y, x, c = numpy.meshgrid(range(height), range(width), range(3), indexing="ij")
    values = numpy.sin(0.31 * x + 0.07 * y * (c + 1.0)) * numpy.cos(0.013 * x * y + c)
    return torch.from_numpy(values.astype(numpy.float32)).permute(2, 0, 1)[None]


def export(network: nn.Module, path: Path, outputs: list[str], fixed: int | None = None) -> None:
    side = fixed or 32
    sizes = None if fixed else ({2: "height", 3: "width"},)
    torch.onnx.export(
        network.eval(),
        (torch.zeros(1, 3, side, side),),
        path,
        input_names=["image"],
        output_names=outputs,
        dynamic_shapes=sizes,
        external_data=False,
    )
    # Without notes on where each node came from, which are most of the file.
    import onnx

    model = onnx.load(path)
    for part in [*model.graph.node, *model.graph.input, *model.graph.output, *model.graph.value_info]:
        del part.metadata_props[:]
        if hasattr(part, "doc_string"):
            part.doc_string = ""
    del model.graph.value_info[:]
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    onnx.save(model, path)


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    network = Small().eval()
    for norm in (network.stem[1], network.fine[1]):
        norm.running_mean.normal_(0, 0.3)
        norm.running_var.uniform_(0.5, 2)
    export(network, folder / "small.onnx", ["fine", "coarse", "class"])
    export(network, folder / "fixed.onnx", ["fine", "coarse", "class"], fixed=40)
    export(Vector(), folder / "vector.onnx", ["class"])
    export(Constant(), folder / "constant.onnx", ["map"])
    export(Infinite(), folder / "infinite.onnx", ["map"])
    height, width = 33, 46
    mean, sd = (torch.tensor(v).reshape(3, 1, 1) for v in (MEAN, SD))
    with torch.no_grad():
        maps = network((image(height, width) * 0.5 + 0.5 - mean) / sd)[:2]
    golden = {"size": [height, width, 3]}
    for name, taps in zip(("fine", "coarse"), maps):
        values = taps[0].permute(1, 2, 0)
        golden[name] = {"shape": list(values.shape), "values": [round(float(v), 7) for v in values.flatten()]}
    (folder / "onnx.json").write_text(json.dumps(golden) + "\n")


main()
