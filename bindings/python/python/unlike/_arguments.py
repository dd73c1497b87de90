"""The arguments of a detector: as scikit-learn and PyOD hand them about, and as settings of the library."""

from __future__ import annotations

import inspect
import json
import numbers
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeGuard, TypeVar, Union

import numpy as np

from . import _unlike
from ._errors import SettingError

# Where settings of a training are that are no settings of the model, below the settings themselves.
_TRAINING: dict[str, tuple[str, ...]] = {
    "epochs": ("epochs",),
    "batch_size": ("batch_size",),
    "schedule": ("schedule",),
    "choice": ("choice",),
    "patience": ("patience",),
    "members": ("members",),
    "ensemble": ("ensemble",),
    "relative": ("relative",),
    "hold_out": ("hold_out",),
    "augmentation": ("augmentation",),
    "scaling": ("preprocessing", "scaling"),
    "tails": ("preprocessing", "tails"),
    "max_levels": ("preprocessing", "max-levels"),
    "min_level_rows": ("preprocessing", "min-level-rows"),
}


Int = Union[int, "np.integer[Any]"]
"""A whole number, Python's or NumPy's."""

_Self = TypeVar("_Self", bound="Arguments")

# Which, what of an image, taps, tile and overlap.
_Features = tuple["str | None", "str | None", "list[str] | None", "int | None", "int | None"]


class Arguments:
    """What constructors of detectors are given, kept as it was given."""

    _model_name: ClassVar[str]
    _model_settings: ClassVar[tuple[str, ...]]

    contamination: Any
    score_name: str | None
    features: str | None
    feature_pool: str | None
    feature_taps: Sequence[str] | None
    tile: Int | None
    overlap: Int | None
    seed: Int
    random_state: Int | np.random.RandomState | None
    device: str
    progress: bool | Callable[[dict[str, Any]], object] | None
    score_training: bool

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self: _Self, **params: Any) -> _Self:
        """Changes arguments of the constructor; they count from the next ``fit`` on."""
        known = self._parameters()
        for name, value in params.items():
            if name not in known:
                raise SettingError(f"`{name}` is no argument of {type(self).__name__}; expected one of {known}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        signature = inspect.signature(type(self).__init__).parameters
        told = {n: v for n, v in self.get_params(deep=False).items() if not _same(v, signature[n].default)}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in told.items())})"

    def _check_arguments(self) -> None:
        """Refuses arguments of another type, of those that are no settings: of these, the library does."""
        texts = {"device": "a text", "score_name": "a text or None", "feature_pool": "a text or None"}
        for name, expected in texts.items():
            value = getattr(self, name)
            if not isinstance(value, str) and not (value is None and expected.endswith("None")):
                raise SettingError(f"`{name}` is {value!r}; expected {expected}")
        for name in ("tile", "overlap"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, numbers.Integral) or int(value) < 0):
                raise SettingError(f"`{name}` is {value!r}; expected a whole number of pixels, or None")
        if not (self.progress is None or isinstance(self.progress, bool) or callable(self.progress)):
            raise SettingError(f"`progress` is {self.progress!r}; expected True, False, None or a function")
        self._check_contamination()

    def _check_contamination(self) -> None:
        share = self.contamination
        if isinstance(share, str) and share == "auto":
            return
        if not isinstance(share, numbers.Real) or not 0 < float(share) <= 0.5:
            raise SettingError(f"`contamination` is {share!r}; expected `auto`, or above 0 and at most 0.5")
        if not self.score_training:
            raise SettingError("`score_training` is False; expected True with a number as `contamination`")

    def _settings(self) -> dict[str, Any]:
        """What was said of settings, as files of settings have them."""
        settings: dict[str, Any] = {"seed": self._seed()}
        for name, path in _TRAINING.items():
            _put(settings, path, getattr(self, name, None))
        for name in self._model_settings:
            _put(settings, ("model", name.removeprefix("model_")), getattr(self, name))
        return settings

    def _seed(self) -> int:
        seed = self.seed if self.random_state is None else self.random_state
        if hasattr(seed, "randint"):
            return int(seed.randint(2**31 - 1))
        if not isinstance(seed, numbers.Integral) or not 0 <= int(seed) < 2**63:
            name = "seed" if self.random_state is None else "random_state"
            raise SettingError(f"`{name}` is {seed!r}; expected a whole number from 0 to 2**63 - 1")
        return int(seed)

    def _features(self) -> _Features | None:
        given = self.feature_taps
        if given is not None and not isinstance(given, Iterable):
            raise SettingError(f"`feature_taps` is {given!r}; expected names of stages or of outputs")
        taps = [given] if isinstance(given, str) else given
        taps = None if taps is None else [str(tap) for tap in taps]
        which = None if self.features is None else str(self.features)
        tile, overlap = (None if pixels is None else int(pixels) for pixels in (self.tile, self.overlap))
        chosen = (which, self.feature_pool, taps, tile, overlap)
        return None if all(one is None for one in chosen) else chosen


def detector_arguments(cls: type[Arguments], model: _unlike.Model) -> dict[str, Any]:
    """The arguments of a class with which a model was trained."""
    config = json.loads(model.config())
    arguments: dict[str, Any] = {"seed": config["seed"], "device": model.device}
    for setting, path in _TRAINING.items():
        if setting in cls._parameters():
            arguments[setting] = _get(config, path)
    for setting in cls._model_settings:
        arguments[setting] = _get(config, ("model", setting.removeprefix("model_")))
    features = config.get("features") or {}
    arguments["features"] = features.get("file", features.get("features"))
    arguments["feature_pool"] = features.get("pool")
    arguments["feature_taps"] = features.get("taps")
    tiles = features.get("tiles") or {}
    arguments["tile"], arguments["overlap"] = tiles.get("side"), tiles.get("overlap")
    arguments["score_name"] = json.loads(model.about())["score"]
    return arguments


def _put(settings: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    if value is None:
        return
    for key in path[:-1]:
        settings = settings.setdefault(key, {})
    settings[path[-1]] = plain(value)


def _get(settings: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        settings = settings.get(key) if isinstance(settings, Mapping) else None
    return settings


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise SettingError(f"a setting is {value!r}; expected numbers, texts, lists or mappings of these")


def _same(value: Any, other: Any) -> bool:
    return value is other or (type(value) is type(other) and bool(np.all(value == other)))


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is one, which truth is not."""
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
