import pytest
from celery import Celery
from geo_tasks.tasks import distance


@pytest.fixture
def app():
    return Celery("tests", broker="memory://", backend="redis://:t3st-0nly-Kd8w@localhost:6379/15")


def test_distance(app):
    assert distance.apply(args=[(0, 0), (3, 4)]).get() == 5
