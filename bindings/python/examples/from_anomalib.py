# %% [markdown]
# # From anomalib
#
# | anomalib | here |
# | --- | --- |
# | `MVTecAD(root=…, category="bottle")`, `Folder(…)` | the path of the folder |
# | `Patchcore()`, `Padim()`, `Ganomaly()` | `PatchCore()`, `PaDiM()`, `GANomaly()` |
# | `Engine().fit(model=model, datamodule=data)` | `detector.fit("bottle")` |
# | `Engine().test(…)` | `detector.report("bottle/test")` |
# | `Engine().predict(…)`: `pred_score` | `decision_function(X)`, which is not rescaled |
# | `anomaly_map` | `anomaly_map(X)`, in the size that the model sees |
# | `pred_label`, from a threshold of best F1 on labelled images | `select(X, false_alarms=0.01)`, from normals alone |
# | checkpoints, which run code when they are loaded | `save`, `load`: files of data |
#
# Folders are read as they lie there: `train/good`, `test/good`, `test/scratch`, `ground_truth/scratch`.

# %%
from pathlib import Path

import numpy as np
import unlike
from PIL import Image

rng = np.random.default_rng(0)
SIDE = 64
root = Path("plates")


def write(folder: str, count: int, scratched: bool = False) -> None:
    """Images of a plate, and where they are scratched."""
    (root / folder).mkdir(parents=True)
    masks = root / folder.replace("test", "ground_truth")
    for number in range(count):
        plate = 110 + 25 * np.sin(np.arange(SIDE) / 3)[None, :] + rng.normal(scale=5, size=(SIDE, SIDE))
        if scratched:
            mask = np.zeros((SIDE, SIDE), dtype=bool)
            top, left = rng.integers(8, 40, size=2)
            for step in range(16):
                mask[top + step, left + step : left + step + 4] = True
            plate[mask] = 235
            masks.mkdir(parents=True, exist_ok=True)
            Image.fromarray(255 * mask.astype(np.uint8)).save(masks / f"{number:03}_mask.png")
        Image.fromarray(plate.clip(0, 255).astype(np.uint8)).save(root / folder / f"{number:03}.png")


write("train/good", 60)
write("test/good", 15)
write("test/scratch", 10, scratched=True)

# %% [markdown]
# ## Train
#
# No labels, no data module, no engine: the images in `train` are learned from. The network that sees them was trained on
# photographs and is in the package; scratches as small as these are best told by its third stage.

# %%
detector = unlike.PatchCore(feature_taps=["stage3"]).fit(root)

# %% [markdown]
# ## Measure
#
# With intervals, and of maps too, where there are masks.

# %%
report = detector.report(root / "test")
assert report.metrics is not None
print(f"AUROC {report.metrics['auroc']:.3f}, 95 % interval {report.metrics['auroc_ci95']}")

# %% [markdown]
# ## Decide
#
# anomalib chooses the threshold that does best on labelled images, and rescales scores around it. Here, a threshold is
# what a share of new normals exceeds; nobody has to have seen an anomaly, and the share is told.

# %%
scratched = sorted(str(path) for path in (root / "test" / "scratch").iterdir())
good = sorted(str(path) for path in (root / "test" / "good").iterdir())
rate = 1 / 7  # What six held-out images can promise.
print("found:", detector.select(scratched, false_alarms=rate).mean())
print("false alarms:", detector.select(good, false_alarms=rate).mean())

# %% [markdown]
# ## See

# %%
maps = detector.anomaly_map(scratched)
mask = np.asarray(Image.open(root / "ground_truth" / "scratch" / "000_mask.png")) > 0
print(f"in the scratch {maps[0][mask].mean():.2f}, elsewhere {maps[0][~mask].mean():.2f}")
