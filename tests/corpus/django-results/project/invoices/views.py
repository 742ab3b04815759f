from django.http import JsonResponse
from django.shortcuts import get_object_or_404

from invoices.models import Invoice
from invoices.tasks import remind_all


def remind(request, pk):
    invoice = get_object_or_404(Invoice, pk=pk)
    sent = remind_all.delay([invoice.number])
    return JsonResponse(sent.get(timeout=5))
