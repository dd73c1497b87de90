# %% [markdown]
# # On a Ray cluster
#
# `pip install "unlike[ray]"`. Training a detector takes seconds to minutes, and one machine does it; what grows is the
# number of trainings, and the number of samples to score. Ray spreads both over a cluster, and starts again what died.
# Here, the cluster is two processes of this machine.

# %%
import tempfile

import numpy as np
import pandas as pd
import ray
import unlike
import unlike.ray

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)

rng = np.random.default_rng(0)
load = rng.normal(size=(5000, 1))
columns = ["bytes", "packets", "seconds"]
flows = pd.DataFrame(load + 0.3 * rng.normal(size=(5000, 3)), columns=columns)
flows["flow"] = [f"f{at}" for at in range(len(flows))]
flows.loc[4990:, columns] = rng.normal(5, 1, size=(10, 3)) * [1, -1, 1]
known, new = flows[:2000], flows[2000:]

# %% [markdown]
# ## Train many
#
# Each training is a process of its own, on one core. A detector for each of several sites is the same with a pair of
# detector and samples for each; `unlike.sweep(…, on="ray")` keeps results in a folder, and goes on where it was ended.

# %%
pairs = [(unlike.EGBAD(epochs=10, seed=seed), known[columns]) for seed in range(2)]
detectors = unlike.ray.fit_many(pairs)
for detector in detectors:
    print(f"seed {detector.seed}: flags from {detector.threshold_:.3f} on")

# %% [markdown]
# ## Score what does not fit into memory
#
# A dataset is read, scored and written block by block. Its other columns stay; so does its order.

# %%
dataset = ray.data.from_pandas([new[at : at + 500] for at in range(0, len(new), 500)])
scored = unlike.ray.score(dataset, detectors[0], actors=2)
with tempfile.TemporaryDirectory() as folder:
    scored.write_parquet(folder)
    written = pd.read_parquet(folder).set_index("flow").loc[new["flow"]]

# %% [markdown]
# The scores are those of one process, to the last bit.

# %%
assert np.array_equal(written["score"], detectors[0].decision_function(new[columns]))
print(written.sort_values("score", ascending=False).head(10))
ray.shutdown()
