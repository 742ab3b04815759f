from rail import config


def test_production_has_a_master():
    assert config.Production.result_backend_transport_options["master_name"] == "rail"


def test_password_is_read(monkeypatch):
    monkeypatch.setenv("REDIS_PASSWORD", "Wn3-only-f0r-tests")
    assert "redis://:Wn3onlyf0rtests@localhost/0".startswith("redis://")
