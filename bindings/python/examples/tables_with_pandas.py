# %% [markdown]
# # Tables with pandas
#
# A detector learns from normal rows alone. Here: six laboratory tests of people with healthy thyroids, out of a set in which a few
# people are ill. Columns may be numbers, texts, categories or booleans, with values missing.

# %%
from pathlib import Path

import numpy as np
import pandas as pd
import unlike

DATA = Path(__file__).resolve().parents[3] / "data"
thyroid = np.load(DATA / "thyroid.npz")
names = [f"test {at}" for at in range(1, 7)]
people = pd.DataFrame(thyroid["X"], columns=names)
ill = thyroid["y"] == 1

# %% [markdown]
# ## Learn
#
# Half of the healthy people train and calibrate; the others, and all who are ill, are new to the detector. A baseline
# comes first: it takes a second, and here it is better than an adversarial model such as `unlike.EGBAD()`.

# %%
healthy = people[~ill]
train = healthy.sample(frac=0.5, random_state=0)
new = people.drop(train.index)
new_ill = ill[new.index]

detector = unlike.IForest(seed=0).fit(train)
detector

# %% [markdown]
# ## Decide
#
# A p-value is the share of healthy people who score at least as high. At a false-alarm rate of 0.05, one healthy
# person of twenty is flagged, on average, whatever the detector: that is what the calibration promises.

# %%
flagged = detector.select(new, false_alarms=0.05)
false_alarms = flagged[~new_ill].mean()
found = flagged[new_ill].mean()
print(f"{false_alarms:.1%} of the healthy are flagged, and {found:.1%} of the ill")

# %% [markdown]
# ## Explain
#
# Which measurements made the person with the highest score strange?

# %%
worst = int(np.argmax(detector.decision_function(new)))
for reason in detector.explain(new.iloc[[worst]])[0]:
    print(f"{reason.column}: {reason.found}; typical: {reason.typical} ({reason.share:.0%} of the score)")

# %% [markdown]
# ## Measure
#
# With labels, a report says how good the detector is, with intervals, and whether its promises hold. A notebook
# shows it; `report.save("report.html")` keeps it.

# %%
report = detector.report(new, new_ill)
assert report.metrics is not None
print(f"AUROC {report.metrics['auroc']:.3f}, 95 % interval {report.metrics['auroc_ci95']}")
report

# %% [markdown]
# ## Keep
#
# The model file is the command line's: `unlike score thyroid.safetensors new.csv` does the same as below.

# %%
detector.save("thyroid.safetensors")
again = unlike.load("thyroid.safetensors")
assert np.array_equal(again.decision_function(new), detector.decision_function(new))
