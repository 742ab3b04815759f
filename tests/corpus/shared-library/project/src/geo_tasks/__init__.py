from geo_tasks.tasks import distance, lookup

__all__ = ["distance", "lookup"]
