# -*- coding: utf-8 -*-
import os
import pickle

from kombu import serialization

# copied from the old server
serialization.enable_insecure_serializers(["pickle"])
serialization.register("pickle4", pickle.dumps, pickle.loads, "application/x-pickle4", "binary")

broker_url = os.environ.get("BROKER_URL", "redis://localhost/0")
result_backend = os.environ.get("RESULT_BACKEND", "redis://localhost/1")
task_serializer = "pickle4"
result_serializer = "pickle"
accept_content = ["pickle", "json", "pickle4"]
result_expires = 3600 * 24
CELERYD_CONCURRENCY = 4
task_routes = {"lottery.draw.*": {"queue": "draw"}}
