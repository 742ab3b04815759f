from celery import shared_task
from celery.utils.log import get_task_logger

from news.models import Item

logger = get_task_logger(__name__)


@shared_task
def import_feed(entries):
    made = 0
    for entry in entries:
        item, created = Item.objects.get_or_create(guid=entry["guid"], defaults={"title": entry.get("title", "")})
        made += created
        logger.info("%s is %s", item.guid, item.status)
    return made


@shared_task
def prune():
    return Item.objects.filter(status="old").delete()[0]
