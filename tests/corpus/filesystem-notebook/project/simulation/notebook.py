"""For notebooks: run(…) and plot."""

from simulation.app import run


def simulate(steps, **options):
    seed = options.get("seed", 0)
    result = run.delay(steps, seed=seed)
    return result.get()
