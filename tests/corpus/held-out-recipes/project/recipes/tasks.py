from celery import Celery, chord

from recipes.config import CeleryConfig

celery_app = Celery("recipes", config_source=CeleryConfig)


@celery_app.task
def nutrients(ingredient: str) -> dict[str, float]:
    return {"kcal": 100.0, "name": 0.0}


@celery_app.task
def add_up(parts: list[dict[str, float]]) -> float:
    return sum(part.get("kcal", 0.0) for part in parts)


def analyse(ingredients: list[str]) -> str:
    return chord(map(nutrients.s, ingredients), add_up.s()).apply_async().id
