from celery import Celery

from thumbs.dual import DualBackend

celery = Celery("thumbs")

celery.conf.broker_url = "amqp://guest:guest@localhost//"
celery.conf.result_backend = "redis://localhost:6379/1"
celery.conf.result_expires = 0
celery.conf.result_chord_join_timeout = "30 s"
celery.conf.redis_socket_timeout = 5000
celery.conf.redis_socket_keepalive = True
celery.conf.redis_socket_keepalive_options = {1: 60, 2: 10, 3: 5}
celery.conf.database_short_lived_sessions = True
celery.conf.worker_concurrency = 4
celery.conf.worker_prefetch_multiplier = 1

# the new machines have eight cores
celery.conf.worker_concurrency = 8

celery.backend = DualBackend(app=celery)


@celery.task(bind=True, time_limit=120)
def make(self, path, width=320):
    from PIL import Image

    with Image.open(path) as image:
        image.thumbnail((width, width))
        target = f"{path}.{width}.jpg"
        image.save(target)
    return {"path": target, "id": self.request.id}


@celery.task(name="thumbs.sweep", ignore_result=True)
def sweep():
    return None
