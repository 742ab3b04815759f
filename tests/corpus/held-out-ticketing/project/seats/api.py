from rest_framework.response import Response
from rest_framework.views import APIView

from seats.models import Seat
from seats.tasks import free_seats, reserve


class Seats(APIView):
    def get(self, request):
        found = free_seats.delay().get(timeout=3)
        return Response({"free": found})

    def post(self, request):
        seat = Seat.objects.get(pk=request.data.get("seat"))
        job = reserve.apply_async(args=(seat.pk,), expires=15)
        job.get()
        return Response({"seat": seat.pk, "state": seat.state})
