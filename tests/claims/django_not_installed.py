"""Use a backend of django-celery-results, and print what comes of it.

``python django_not_installed.py django-cache django.contrib.contenttypes …``: the backend, then INSTALLED_APPS.
"""

import sys
import warnings


def main(backend: str, *installed: str) -> None:
    """Print the state of a task never sent, or the exception's type and words."""
    warnings.simplefilter("ignore")
    from django.conf import settings

    memory = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
    settings.configure(INSTALLED_APPS=installed, DATABASES={"default": memory}, USE_TZ=True)
    import django
    from celery import Celery

    django.setup()
    app = Celery("claims", backend=backend, broker="memory://")
    try:
        sys.stdout.write(app.backend.get_state("one"))
    except Exception as exc:
        sys.stdout.write(f"{type(exc).__name__}: {exc}")


if __name__ == "__main__":
    main(*sys.argv[1:])
