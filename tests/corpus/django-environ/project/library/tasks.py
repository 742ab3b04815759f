from celery import shared_task

from library.models import Book


@shared_task(ignore_result=True)
def index(pk):
    book = Book.objects.get(pk=pk)
    book.indexed = True
    book.save()


@shared_task(ignore_result=True)
def clean():
    Book.objects.filter(title="").delete()
