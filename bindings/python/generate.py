"""Writes python/unlike/_detectors.py: a class for each model of the library, with its settings as arguments.

The words, types and ranges of settings are those of the library's source; the recommended values are asked of
the library itself. Run it with the package installed, after settings have changed:

    python bindings/python/generate.py

scripts/python-tests.sh checks that the file is up to date.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
CRATES = HERE.parent.parent / "crates"
OUT = HERE / "python" / "unlike" / "_detectors.py"

# The class of each model, and the file and type of its settings.
CLASSES = {
    "egbad": ("EGBAD", "unlike/src/models/egbad.rs", "Egbad"),
    "bigan": ("BiGAN", "unlike/src/models/bigan.rs", "Egbad"),
    "anogan": ("AnoGAN", "unlike/src/models/anogan.rs", "Anogan"),
    "fanogan": ("FAnoGAN", "unlike/src/models/fanogan.rs", "Fanogan"),
    "ganomaly": ("GANomaly", "unlike/src/models/ganomaly.rs", "Ganomaly"),
    "simplenet": ("SimpleNet", "unlike/src/models/simplenet.rs", "Simplenet"),
    "vae": ("VAE", "unlike/src/models/vae.rs", "Vae"),
    "pca": ("PCA", "unlike-baselines/src/pca.rs", "PcaConfig"),
    "knn": ("KNN", "unlike-baselines/src/knn.rs", "KnnConfig"),
    "patchcore": ("PatchCore", "unlike-baselines/src/patchcore.rs", "PatchcoreConfig"),
    "padim": ("PaDiM", "unlike-baselines/src/padim.rs", "PadimConfig"),
    "iforest": ("IForest", "unlike-baselines/src/iforest.rs", "IforestConfig"),
    "ecod": ("ECOD", "unlike-baselines/src/ecod.rs", "EcodConfig"),
}

# Ranges that the library checks where types do not say them; tests/test_settings.py holds it to them.
RANGES = {
    "epochs": "at least 1",
    "batch_size": "at least 1",
    "patience": "at least 1",
    "members": "from 1 to 100",
    "max_levels": "at least 1",
    "validation": "between 0 and 0.5",
    "calibration": "between 0 and 0.5",
    "limit": "at least 1",
    "shift": "0 or more",
    "rotation": "from 0 to 45",
}

# Settings that have an argument of another form, which `Detector` documents.
ELSEWHERE = {"score", "features", "preprocessing", "model", "seed", "image_fit", "reading"}

# The arguments of all classes, in this order; the words of those that are no settings.
COMMON = [
    (
        "contamination",
        'float | Literal["auto"]',
        '"auto"',
        "`\"auto\"`, or above 0 and at most 0.5",
        "What decides `threshold_`: `\"auto\"` flags a false-alarm rate of 0.01 among held-out normals, or the "
        "smallest that these can promise; a number flags that share of the samples given to `fit`, as in PyOD.",
    ),
    (
        "score_name",
        "str | None",
        "None",
        "one of `score_names_`",
        "The score in use, of those that the fitted model offers. Default: the recommended one.",
    ),
    (
        "features",
        "str | None",
        "None",
        "`pixels`, `lite0`, `dct`, or a path that ends in `.onnx`",
        "What is seen of images: their pixels; what a network says of them, one that was trained on a million "
        "photographs and comes with the package, or that of a file; or the cosine transform of windows. Default: "
        "`lite0`; for images of at most 32 pixels on a side `pixels` if they are files, and `lite0` with "
        "`feature_pool=\"image\"` if they come as an array.",
    ),
    (
        "feature_pool",
        "str | None",
        "None",
        "`patches`, `image` or `both`",
        "What of an image is judged at once: every place, all of it, or each by a detector of its own, whose "
        "scores are added up. Default: `patches`, unless `features` says otherwise.",
    ),
    (
        "feature_taps",
        "Sequence[str] | None",
        "None",
        "each once of `stage1` to `stage5`, or outputs of a file",
        "Stages of the network that are read. Default: `stage3` and `stage5`, or all maps of a file.",
    ),
    (
        "tile",
        "int | None",
        "None",
        "at least 16",
        "Pixels of the side of tiles in which images are looked at that are larger than a network sees at once.",
    ),
    (
        "overlap",
        "int | None",
        "None",
        "from 0 to half of `tile`",
        "Pixels that neighbouring tiles share, at least. Default: a quarter of `tile`.",
    ),
]
LAST = [
    (
        "seed",
        "int",
        "0",
        "from 0 to 2**63 - 1",
        "Decides every random choice: the same seed gives the same model, bit for bit.",
    ),
    (
        "random_state",
        "int | np.random.RandomState | None",
        "None",
        "as `seed`",
        "The name that scikit-learn and PyOD have for `seed`; if given, it is the seed, or draws it.",
    ),
    (
        "device",
        "str",
        '"cpu"',
        "`cpu`, or what `unlike doctor` lists",
        "Where networks live.",
    ),
    (
        "progress",
        "bool | Callable[[dict[str, Any]], object] | None",
        "None",
        "",
        "Whether to show a bar while training; by default, where a terminal or a notebook is there. A function "
        "is called after each epoch with what is known of it, and ends the training by returning `True`.",
    ),
    (
        "score_training",
        "bool",
        "True",
        "",
        "Whether `fit` scores the samples that it was given, for `decision_scores_` and `labels_`. Needed by a "
        "number as `contamination`.",
    ),
]


@dataclass
class Field:
    name: str
    rust: str
    doc: str


class Source:
    """What the library's source says about types of settings."""

    def __init__(self) -> None:
        self.text = "\n".join(path.read_text() for path in sorted(CRATES.glob("*/src/**/*.rs")))
        self.ranges = {
            name: words
            for name, words in re.findall(r'(\w+)\(\w+ = "\w+"\), "([^"]+)", \|', self.text)
        }

    def fields(self, struct: str) -> list[Field]:
        """The fields of a struct, in its order."""
        body = self._body("struct", struct)
        found = []
        for docs, name, kind in re.findall(
            r"((?:[ ]{4}///.*\n)+)(?:[ ]{4}#\[.*\]\n)*[ ]{4}pub (\w+): (.+),\n", body
        ):
            found.append(Field(name, kind, prose(docs)))
        return found

    def variants(self, enum: str) -> list[str]:
        """The values of an enum, as settings spell them; those with content are mappings that name it."""
        body = self._body("enum", enum)
        tag = re.search(rf'tag = "(\w+)"[^{{]*pub enum {enum}\b', self.text)
        values = []
        for name, content in re.findall(r"^    (\w+)(?:,| \{((?:.|\n)*?)\},)$", body, re.M):
            value = re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
            if tag is None:
                values.append(f"`{value}`")
                continue
            keys = "".join(f', "{key}": …' for key in re.findall(r"^\s+(\w+): ", content, re.M))
            values.append(f'`{{"{tag[1]}": "{value}"{keys}}}`')
        return values

    def is_enum(self, name: str) -> bool:
        return re.search(rf"pub enum {name}\b", self.text) is not None

    def _body(self, kind: str, name: str) -> str:
        found = re.search(rf"pub {kind} {name}\b[^{{]*\{{\n(.*?)\n\}}\n", self.text, re.S)
        if found is None:
            raise SystemExit(f"{name}: no such {kind} in {CRATES}")
        return found[1] + "\n"


def prose(docs: str) -> str:
    """Doc comments as one line, without Rust's links."""
    text = " ".join(line.strip().lstrip("/!").strip() for line in docs.strip().splitlines())
    text = re.sub(r"\[(`[^`\]]+`)\](\([^)]*\))?", lambda m: m[1], text)
    text = re.sub(r"`(?:\w+::)+(\w+)`", r"`\1`", text)
    return text.replace("\\|", "|").strip()


def typed(source: Source, rust: str) -> tuple[str, str]:
    """The type of an argument and its range in words."""
    inner = re.sub(r"^Option<(.+)>$", r"\1", rust)
    if inner == "Vec<String>":
        return "Sequence[str]", ""
    if inner.startswith(("Widths", "Vec")):
        return "Sequence[int]", "numbers from 1 to 65536" if inner.startswith("Widths") else ""
    if inner in source.ranges:
        kind = "float" if re.search(rf"\b{inner}\(f32", source.text) else "int"
        return kind, source.ranges[inner]
    if inner in ("usize", "u64"):
        return "int", ""
    if inner in ("f32", "f64"):
        return "float", ""
    if inner == "bool":
        return "bool", ""
    if inner == "String":
        return "str", ""
    if source.is_enum(inner):
        variants = source.variants(inner)
        kind = "Mapping[str, Any]" if variants[0].startswith("`{") else "str"
        return kind, "one of " + ", ".join(variants)
    return "Mapping[str, Any]", ""


def default(recommended: dict[str, Any], path: tuple[str, ...]) -> str:
    """The recommended values in words."""

    def of(kind: str) -> Any:
        value = recommended[kind]
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def words(value: Any) -> str:
        if value is None:
            return "not set"
        if isinstance(value, bool):
            return f"`{value}`"
        if isinstance(value, float):
            return f"{float(f'{value:.6g}')!r}"
        if isinstance(value, str):
            return f"`{value}`"
        return f"`{value}`" if isinstance(value, list) else str(value)

    if path[-1] in ("epochs", "batch_size", "members") or path == ("hold_out",):
        by_data = " Default: by model and data."
        return {"epochs": by_data, "members": by_data}.get(
            path[-1], f" Default: {words(of('table'))} for tables, {words(of('images'))} for images."
        )
    table, images = of("table"), of("images")
    if isinstance(table, dict) or isinstance(images, dict):
        return ""
    if table == images:
        return f" Default: {words(table)}."
    return f" Default: {words(table)} for tables, {words(images)} for images."


def parameter(
    source: Source, field: Field, recommended: dict[str, Any], path: tuple[str, ...]
) -> tuple[str, str, str, str, str]:
    kind, limits = typed(source, field.rust)
    limits = RANGES.get(field.name, limits)
    doc = field.doc
    if kind.startswith("Mapping") and not limits:
        doc += " What is left out is as recommended." + "".join(keys(source, field, recommended, path, 0))
    elif "Default:" not in doc:
        doc += default(recommended, path)
    return field.name, f"{kind} | None", "None", limits, doc


def keys(
    source: Source, field: Field, recommended: dict[str, Any], path: tuple[str, ...], depth: int
) -> list[str]:
    """The keys of a mapping, each a line of a list."""
    inner = re.sub(r"^Option<(.+)>$", r"\1", field.rust)
    lines = []
    for below in source.fields(inner):
        place = (*path, below.name)
        kind, limits = typed(source, below.rust)
        limits = RANGES.get(below.name, limits)
        about = f", {limits}" if limits else ""
        line = f"\n{'  ' * depth}* ``{below.name}``{about}: {below.doc}"
        if kind.startswith("Mapping") and not limits:
            lines.append(f"{line} Keys:")
            lines.extend(keys(source, below, recommended, place, depth + 1))
        else:
            lines.append(line + default(recommended, place))
    return lines


def described(parameters: list[tuple[str, str, str, str, str]]) -> str:
    lines = []
    for name, kind, _, limits, doc in parameters:
        short = re.sub(r" \| None$", "", kind).replace("Mapping[str, Any]", "mapping")
        lines.append(f"{name} : {short}" + (f", {limits}" if limits else ""))
        for line in doc.split("\n"):
            depth = (len(line) - len(line.lstrip())) + (2 if line.lstrip().startswith("*") else 0)
            first = "    " + " " * (len(line) - len(line.lstrip()))
            lines.extend(
                textwrap.wrap(
                    line.strip(),
                    96,
                    initial_indent=first,
                    subsequent_indent="    " + " " * depth,
                    break_on_hyphens=False,
                )
            )
    return "\n".join(lines)


def class_text(source: Source, native: Any, name: str) -> str:
    cls, path, struct = CLASSES[name]
    recommended = {k: json.loads(native.recommended(name, k, 10_000)) for k in ("table", "images")}
    for settings in recommended.values():
        settings["min_level_rows"] = settings["preprocessing"].get("min-level-rows")
        settings["max_levels"] = settings["preprocessing"].get("max-levels")
        settings["scaling"] = settings["preprocessing"].get("scaling")
        settings["tails"] = settings["preprocessing"].get("tails", "bend")
    networks = dict((n, net) for n, _, net in native.models())[name]
    model = [
        parameter(source, field, recommended, ("model", field.name))
        for field in source.fields(struct)
        if field.name != "score"
    ]
    training = [
        parameter(source, field, recommended, (field.name,))
        for field in source.fields("TrainConfig") + source.fields("PreprocessingConfig")
        if field.name not in ELSEWHERE
    ]
    if not networks:
        # Fitted in one go, to images as they are.
        steps = {"epochs", "batch_size", "schedule", "choice", "patience", "members", "augmentation"}
        training = [p for p in training if p[0] not in steps]
    taken = {p[0] for p in training + COMMON + LAST}
    model = [(f"model_{p[0]}" if p[0] in taken else p[0], *p[1:]) for p in model]
    parameters = model + training + COMMON + LAST

    head = []
    for line in (CRATES / path).read_text().splitlines():
        if not line.startswith("//!"):
            break
        head.append(line.removeprefix("//!").strip())
    paragraphs = "\n".join(head).split("\n\n")
    title = prose(paragraphs[0])
    paper = prose(paragraphs[1]).split(" Departures")[0]
    doc = "\n".join(
        [
            *textwrap.wrap(title, 100),
            "",
            *textwrap.wrap(paper, 100),
            "",
            "Parameters",
            "----------",
            described(parameters),
            "",
        ]
    )
    # NumPy's whole numbers are no `int` to those who check types.
    whole = re.compile(r"\bint\b")
    signature = "".join(f"        {n}: {whole.sub('Int', kind)} = {value},\n" for n, kind, value, _, _ in parameters)
    assigned = "".join(f"        self.{n} = {n}\n" for n, *_ in parameters)
    doc = doc.replace("\\", "\\\\")
    body = textwrap.indent(f'"""{doc}"""', "    ", lambda line: bool(line.strip()))
    settings = "".join(f'        "{p[0]}",\n' for p in model)
    return (
        f"class {cls}(Detector):\n{body}\n\n"
        f'    _model_name = "{name}"\n'
        f"    _model_settings = (\n{settings}    )\n\n"
        f"    def __init__(\n        self,\n        *,\n{signature}    ) -> None:\n{assigned}"
    )


def main() -> None:
    from unlike import _unlike as native

    source = Source()
    names = [name for name, _, _ in native.models()]
    if set(names) != set(CLASSES):
        raise SystemExit(f"models without a class, or the reverse: {set(names) ^ set(CLASSES)}")
    classes = "\n\n".join(class_text(source, native, name) for name in names)
    listed = "".join(f"    {CLASSES[name][0]},\n" for name in names)
    text = (
        '"""A class for each model. Written by generate.py out of the library\'s settings."""\n\n'
        "from __future__ import annotations\n\n"
        "from collections.abc import Callable, Mapping, Sequence\n"
        "from typing import Any, Literal\n\n"
        "import numpy as np\n\n"
        "from ._arguments import Int\n"
        "from ._base import Detector\n\n\n"
        f"{classes}\n\n"
        f"CLASSES: tuple[type[Detector], ...] = (\n{listed})\n"
        '"""All of them, in the library\'s order."""\n'
    )
    if sys.argv[1:] == ["--check"]:
        if OUT.read_text() != text:
            raise SystemExit(f"{OUT} is not up to date: run {Path(__file__).name}")
    else:
        OUT.write_text(text)


if __name__ == "__main__":
    main()
