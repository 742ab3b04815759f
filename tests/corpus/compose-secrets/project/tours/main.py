from celery import Celery

app = Celery("tours")
app.conf.result_backend_always_retry = True


@app.task(bind=True, acks_late=True)
def book(self, tour, seats):
    return {"tour": tour, "seats": seats, "booking": self.request.id}
