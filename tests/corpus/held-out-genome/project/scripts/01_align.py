# %% [markdown]
# # Alignment
# Run `make worker` first.

# %%
from pipeline.steps import align, coverage

samples = {"s1": ["ACGT", "ACG"], "s2": ["TTGA"]}

# %%
jobs = {name: align.delay(reads, "hg38") for name, reads in samples.items()}

# %%
for name, job in jobs.items():
	print(name, job.get(timeout=3600))

# %%
depth = coverage.delay("/data/genome/s1.tsv")
depth.get(timeout=3600)
