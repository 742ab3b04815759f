import pandas as pd

from pipeline.queue import app


@app.task
def align(sample, reference):
	lengths = [len(read) for read in sample]
	return {"reference": reference, "reads": len(lengths), "longest": max(lengths, default=0)}


@app.task
def coverage(path):
	table = pd.read_csv(path, sep="\t")
	table["depth"] = table["bases"] / table["length"]
	return table


@app.task
def coverage_by_chromosome(path):
	table = pd.read_csv(path, sep="\t")
	return table.groupby("chromosome")["bases"].sum().to_dict()
