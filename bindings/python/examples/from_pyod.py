# %% [markdown]
# # From PyOD
#
# Detectors have PyOD's methods and attributes, so that most code changes in its imports alone:
#
# | PyOD | here |
# | --- | --- |
# | `from pyod.models.knn import KNN` | `from unlike import KNN` |
# | `KNN(n_neighbors=5, contamination=0.1)` | `KNN(k=5, contamination=0.1)` |
# | `IForest(n_estimators=100, random_state=0)` | `IForest(trees=100, random_state=0)` |
# | `PCA(n_components=3)` | `PCA(components=3)` |
# | `AnoGAN(epochs=500)` | `AnoGAN(epochs=500)` |
# | `decision_scores_`, `labels_`, `threshold_` | the same |
# | `predict_proba(X)` | `predict_proba(X, method="linear")`, the score between the smallest and the largest that trained; the usual method is `"p_value"` |
# | `predict(X, return_confidence=True)`, `predict_with_rejection(X)` | the same |
# | `FeatureBagging`, `LSCP`, `SUOD`, `combination` | PyOD's take detectors from here |
# | joblib files | `save`, `load`: files of data, which run no code |

# %%
import numpy as np
from unlike import KNN

rng = np.random.default_rng(0)
X_train = rng.normal(size=(1000, 4))
X_test = np.vstack([rng.normal(size=(95, 4)), rng.normal(6, 1, size=(5, 4))])
y_test = np.repeat([0, 1], [95, 5])

detector = KNN(k=5, contamination=0.1).fit(X_train)
print("flagged of those trained on:", detector.labels_.mean())
print("found of the outliers:", detector.predict(X_test)[y_test == 1].mean())

# %% [markdown]
# Three things differ.
#
# **Some samples are held out.** A tenth calibrates p-values and a tenth chooses the epoch (`hold_out`), so that the
# numbers below hold for new normals. PyOD's threshold is a quantile of scores of samples that trained.
#
# **`contamination` may be `"auto"`, and is by default.** A share of outliers is a guess, and it decides how many
# alarms there are. A false-alarm rate is a promise that can be kept without one:

# %%
detector = KNN(k=5).fit(X_train)
p_values = detector.p_values(X_test)
print("p-values of the outliers:", p_values[y_test == 1].round(3))
print("selected at a false-discovery rate of 0.1:", int(detector.select(X_test, fdr=0.1).sum()))

# %% [markdown]
# **A score equal to `threshold_` is flagged**, and `threshold_` may be set:

# %%
detector.threshold_ = float(np.quantile(detector.decision_scores_, 0.99))
print("flagged from there on:", int(detector.predict(X_test).sum()))
