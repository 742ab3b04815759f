from django.db import models


class Seat(models.Model):
    row = models.IntegerField()
    number = models.IntegerField()
    state = models.CharField(max_length=10, default="free")
