from django.db import models


class Member(models.Model):
    name = models.TextField()
    cents = models.IntegerField(default=0)
