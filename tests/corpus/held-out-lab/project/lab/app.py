from celery import Celery

from lab.paths import SPOOL

app = Celery("lab")
app.conf.broker_url = "filesystem://"
app.conf.broker_transport_options = {
    "data_folder_in": SPOOL.as_posix(),
    "data_folder_out": SPOOL.as_posix(),
    "control_folder": (SPOOL / "control").as_posix(),
}
app.conf.result_backend = "file:///srv/lab/results"
app.conf.result_expires = 86400
app.conf.task_always_eager = False
app.conf.redis_socket_timeout = 5.0
app.conf.imports = ["lab.measure"]
