from search.worker import reindex


def rebuild(names):
    results = {name: reindex.delay(name) for name in names}
    return {name: result.get(timeout=600) for name, result in results.items()}
