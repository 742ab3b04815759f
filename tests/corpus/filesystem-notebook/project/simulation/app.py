import math

from celery import Celery

app = Celery("simulation")
app.config_from_object(
    {
        "broker_url": "filesystem://",
        "broker_transport_options": {
            "data_folder_in": "/srv/simulation/queue",
            "data_folder_out": "/srv/simulation/queue",
        },
        "result_backend": "file:///tmp/simulation-results",
        "result_serializer": "pickle",
        "result_accept_content": ["json", "pickle"],
        "accept_content": ["json"],
    }
)


@app.task(bind=True, throws=(ValueError,))
def run(self, steps, seed=0):
    if steps < 1:
        raise ValueError("steps")
    return [math.sin(seed + step) for step in range(steps)]
