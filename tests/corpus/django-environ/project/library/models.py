from django.db import models


class Book(models.Model):
    title = models.TextField()
    indexed = models.BooleanField(default=False)
