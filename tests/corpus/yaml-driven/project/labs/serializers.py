import yaml
from kombu import enable_insecure_serializers
from kombu.serialization import register

register("yaml-objects", yaml.dump, yaml.unsafe_load, content_type="application/x-yaml-objects")
register("yaml-plain", yaml.safe_dump, yaml.safe_load, content_type="application/x-yaml-plain")


def allow_old_clients():
    enable_insecure_serializers()
