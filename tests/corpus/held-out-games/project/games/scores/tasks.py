from celery import chord, shared_task

from games.scores.models import Score


@shared_task
def best_of(player):
    score = Score.objects.filter(player=player).order_by("-points").first()
    return score.points if score else 0


@shared_task
def table(points, players=()):
    return sorted(zip(points, players), reverse=True)


@shared_task(ignore_result=True)
def note(player):
    print(player)


def ranking(players):
    return chord((best_of.s(player) for player in players), table.s(players=players)).apply_async()


def noted(players):
    return chord([note.s(player) for player in players])(table.si([], players))
