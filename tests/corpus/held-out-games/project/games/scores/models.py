from django.db import models


class Score(models.Model):
    player = models.CharField(max_length=40)
    points = models.PositiveIntegerField()
