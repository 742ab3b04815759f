from django.db import models


class Customer(models.Model):
    name = models.TextField()
    score = models.IntegerField(null=True)
