from django.db import models


class Visit(models.Model):
    patient = models.CharField("пациент", max_length=200)
    phone = models.CharField("телефон", max_length=20)
    at = models.DateTimeField("когда")
    status = models.CharField("состояние", max_length=12, default="new")
