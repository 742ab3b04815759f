"""Store a result through django-celery-results, clean up with ``result_expires`` 0 and None, and print its states.

``python django_cleanup.py FILE``: the SQLite file to make.
"""

import sys
import warnings


def main(file: str) -> None:
    """Print two states, separated by a space."""
    warnings.simplefilter("ignore")
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django_celery_results"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": file}},
        USE_TZ=True,
    )
    import django
    from celery import Celery
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    for number, never in enumerate((0, None)):
        app = Celery("claims", backend="django-db", broker="memory://")
        app.conf.result_expires = never
        app.backend.store_result(f"task-{number}", 7, "SUCCESS")
        app.backend.cleanup()
        print(app.AsyncResult(f"task-{number}").state, end=" ")


if __name__ == "__main__":
    main(sys.argv[1])
