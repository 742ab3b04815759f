from search.worker import app, reindex


def test_a_rebuilt_index_is_reported():
    app.conf.update(task_always_eager=True, result_backend="redis://:only-for-tests-7Hq2@localhost:6379/9")
    assert reindex.delay("books").get() == "books: done"
