# %% [markdown]
# # On Spark
#
# `pip install "unlike[spark]"`, and Java 17. A detector is trained on one machine, on a sample of what is normal; Spark
# scores the rest, wherever it lies. Here, the cluster is two threads of this machine.

# %%
import os
import sys

import numpy as np
import pandas as pd
import unlike
import unlike.spark
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

# Workers run the Python that has `unlike`.
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()

rng = np.random.default_rng(0)
rows = pd.DataFrame(rng.normal(size=(20_000, 3)), columns=["amount", "balance", "age"])
rows["balance"] += rows["amount"]
rows["kind"] = rng.choice(["card", "transfer"], len(rows))
rows["payment"] = np.arange(len(rows))
rows.loc[19_990:, ["amount", "balance"]] = [7.0, -7.0]
payments = spark.createDataFrame(rows)

# %% [markdown]
# ## Train on a sample
#
# Held-out normals decide how good p-values are: with 1,000 of them, a false-alarm rate of 0.001 can be promised.

# %%
sample: pd.DataFrame = payments.where(F.col("payment") < 10_000).drop("payment").toPandas()
detector = unlike.EGBAD(epochs=5).fit(sample)

# %% [markdown]
# ## Score all of it
#
# The model file travels to each worker once; columns that it does not know stay where they are. `score`, `p_value` and
# `anomalous` are columns like any others.

# %%
scored = unlike.spark.score(payments.where(F.col("payment") >= 10_000), detector)
scored.printSchema()
flagged = scored.where("p_value <= 0.002")
print(flagged.orderBy(F.desc("score")).limit(10).toPandas())
print(f"{flagged.count()} of {scored.count()} payments")

# %% [markdown]
# The scores are those of one process, to the last bit. A false-discovery rate belongs to all p-values together, not to
# one partition: where that is wanted, collect the column `p_value`, which is small, and adjust it once.

# %%
collected: pd.DataFrame = scored.toPandas()
assert np.array_equal(collected["score"], detector.decision_function(collected[sample.columns]))
spark.stop()
