from django.db import models


class Item(models.Model):
    guid = models.CharField(max_length=200, unique=True)
    title = models.TextField()
    status = models.CharField(max_length=10, default="new")
