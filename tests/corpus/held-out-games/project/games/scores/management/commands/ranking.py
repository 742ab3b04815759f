from django.core.management.base import BaseCommand

from games.scores.tasks import ranking


class Command(BaseCommand):
    def add_arguments(self, parser):
        parser.add_argument("players", nargs="+")

    def handle(self, *args, **options):
        result = ranking(options["players"])
        self.stdout.write(str(result.get(timeout=30)))
