"""The specialist: advises on result backends, Celery's own as well as rootcellar's. Plain functions; no printing."""
