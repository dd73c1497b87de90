# %% [markdown]
# # Images to maps
#
# Images without defects teach what a surface looks like; a map then says where another image departs from it.
# `X` is an array of bytes, `[images, height, width, channels]`, or the path of a folder, or a list of paths.

# %%
import numpy as np
import numpy.typing as npt
import unlike

rng = np.random.default_rng(0)
SIDE = 64


def surface() -> npt.NDArray[np.uint8]:
    """Brushed metal: lines that are a little higher or lower each time, and noise."""
    lines = 120 + 30 * np.sin(np.arange(SIDE) / 2 + rng.uniform(-0.3, 0.3))
    noise = rng.normal(scale=6, size=(SIDE, SIDE))
    return (lines[:, None] + noise).clip(0, 255).astype(np.uint8)


good = np.stack([surface() for _ in range(100)])
scratched = np.stack([surface() for _ in range(5)])
for image in scratched:
    at = rng.integers(16, 40)
    for step in range(12):
        image[at + step, at + step // 2 : at + step // 2 + 3] = 240

# %% [markdown]
# PaDiM knows, for each place, what a small network that was trained on photographs says of good images there. The
# network is in the package; nothing is downloaded. Defects as small as these are best told by its third stage alone,
# which sees them at eight pixels a place.

# %%
detector = unlike.PaDiM(feature_taps=["stage3"]).fit(good)
print("p-values of scratched images:", detector.p_values(scratched).round(3))

# %%
maps = detector.anomaly_map(scratched)
for image, where in zip(scratched, maps):
    row, column = np.unravel_index(where.argmax(), where.shape)
    print(f"most anomalous at row {row}, column {column}; brightest pixel there: {image.max()}")

# %% [markdown]
# In a notebook, `matplotlib.pyplot.imshow(maps[0])` shows one. Files are read the same way:
# `unlike.PaDiM().fit("tiles/good")`, then `detector.anomaly_map(["tiles/new/1.png", "tiles/new/2.png"])`.
