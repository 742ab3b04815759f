from celery import shared_task

from seats.models import Seat


@shared_task
def reserve(seat_id):
    seat = Seat.objects.select_for_update().get(pk=seat_id)
    seat.state = "reserved"
    seat.save()
    return seat


@shared_task
def free_seats():
    return list(Seat.objects.filter(state="free").values_list("pk", flat=True))


@shared_task
def release(seat_ids):
    return Seat.objects.filter(pk__in=seat_ids).update(state="free")
