from pathlib import Path

from celery import Celery

DATA = Path("/data/genome")

app = Celery("pipeline")
app.conf["broker_url"] = "filesystem://"
app.conf["broker_transport_options"] = {
	"data_folder_in": str(DATA / "queue"),
	"data_folder_out": str(DATA / "queue"),
}
app.conf["result_backend"] = "db+sqlite:////data/genome/results.sqlite"
app.conf["result_expires"] = None  # keep everything, disks are cheap
app.conf["imports"] = ("pipeline.steps",)
