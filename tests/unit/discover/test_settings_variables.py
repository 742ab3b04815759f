"""Environment variables, in all the ways in which Python code reads them."""

from pathlib import Path
from typing import Any

import pytest

from reading_values import evaluated
from rootcellar.specialist.profile import Place

DEFAULTS = {
    "get with a default": 'import os\nx = os.environ.get("URL", "redis://d")',
    "getenv with a default": 'import os\nx = os.getenv("URL", "redis://d")',
    "or": 'import os\nx = os.environ.get("URL") or "redis://d"',
    "a conditional expression": 'import os\nx = os.environ["URL"] if "URL" in os.environ else "redis://d"',
    "the variable if it is set": 'import os\nu = os.getenv("URL")\nx = u if u else "redis://d"',
    "except KeyError": 'import os\ntry:\n    x = os.environ["URL"]\nexcept KeyError:\n    x = "redis://d"',
    "an alias of the environment": 'from os import environ as env\nx = env.get("URL", "redis://d")',
    "a function of the project": 'import os\ndef env(n, d=None):\n    return os.environ.get(n, d)\nx = env("URL", "redis://d")',
    "a function that tries": (
        "import os\ndef env(n, d):\n    try:\n        return os.environ[n]\n    except KeyError:\n        return d\n"
        'x = env("URL", "redis://d")'
    ),
    "django-environ": 'import environ\nenv = environ.Env()\nx = env("URL", default="redis://d")',
    "django-environ's str": 'import environ\nenv = environ.Env(DEBUG=(bool, False))\nx = env.str("URL", "redis://d")',
    "environs": 'from environs import Env\nenv = Env()\nenv.read_env()\nx = env.str("URL", "redis://d")',
    "decouple": 'from decouple import config\nx = config("URL", default="redis://d")',
    "decouple's second argument": 'from decouple import config\nx = config("URL", "redis://d")',
    "decouple with a cast": 'from decouple import config\nx = config("URL", default="redis://d", cast=str)',
    "Starlette": 'from starlette.config import Config\nc = Config(".env")\nx = c("URL", default="redis://d")',
    "dotenv_values": 'from dotenv import dotenv_values\nc = dotenv_values(".env")\nx = c.get("URL", "redis://d")',
    "dotenv_values and the environment": (
        'import os\nfrom dotenv import dotenv_values\nc = {**dotenv_values(".env"), **os.environ}\n'
        'x = c.get("URL", "redis://d")'
    ),
    "pydantic 2": (
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    url: str = 'redis://d'\nx = S().url"
    ),
    "pydantic 1": "from pydantic import BaseSettings\nclass S(BaseSettings):\n    url: str = 'redis://d'\nx = S().url",
    "a field of pydantic": (
        "from pydantic_settings import BaseSettings\nfrom pydantic import Field\nclass S(BaseSettings):\n"
        "    backend: str = Field(default='redis://d', validation_alias='URL')\nx = S().backend"
    ),
    "pydantic behind a function": (
        "from functools import lru_cache\nfrom pydantic_settings import BaseSettings\n"
        "class S(BaseSettings):\n    url: str = 'redis://d'\n@lru_cache()\ndef get(): return S()\nx = get().url"
    ),
    "pydantic with a property": (
        "from pydantic_settings import BaseSettings\nfrom pydantic import computed_field\n"
        "class S(BaseSettings):\n    url: str = 'redis://d'\n    @computed_field\n    @property\n"
        "    def backend(self) -> str: return self.url\nx = S().backend"
    ),
}


@pytest.mark.parametrize("code", DEFAULTS.values(), ids=DEFAULTS.keys())
def test_a_variable_that_is_set_counts_and_else_its_default(tmp_path: Path, code: str) -> None:
    default = evaluated(tmp_path, code)
    assert (default.data, default.is_default, default.variables) == ("redis://d", True, ("URL",))
    assert [place.path for place in default.written_at] == ["config.py"]
    said = evaluated(tmp_path, code, URL="redis://e")
    assert (said.data, said.is_default, said.variables) == ("redis://e", False, ("URL",))
    assert said.written_at == (Place(".env", 1),)


CASTS: dict[str, tuple[str, Any]] = {
    "env.bool": ('import environ\nx = environ.Env().bool("V")', True),
    "env.int": ('import environ\nx = environ.Env().int("V")', 1),
    "a scheme": ('import environ\nenv = environ.Env(V=(bool, False))\nx = env("V")', True),
    "cast=int": ('from decouple import config\nx = config("V", cast=int)', 1),
    "cast=bool": ('from decouple import config\nx = config("V", default=False, cast=bool)', True),
    "int()": ('import os\nx = int(os.environ["V"])', 1),
    "an annotation": (
        "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    v: int = 5\nx = S().v",
        1,
    ),
    "a comparison": ('import os\nx = os.environ["V"] == "1"', True),
}


@pytest.mark.parametrize(("code", "data"), CASTS.values(), ids=CASTS.keys())
def test_a_variable_is_cast(tmp_path: Path, code: str, data: Any) -> None:
    value = evaluated(tmp_path, code, V="1")
    assert (value.data, type(value.data)) == (data, type(data))


PYDANTIC = """
    from pydantic_settings import BaseSettings, SettingsConfigDict
    class Redis(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="SHOP_")
        host: str = "localhost"
        password: str
        @property
        def url(self): return f"redis://:{self.password}@{self.host}/0"
    class Settings(BaseSettings):
        redis: Redis = Redis()
    settings = Settings()
    x = settings.redis.url
"""


def test_settings_of_pydantic_are_read_with_their_prefix(tmp_path: Path) -> None:
    value = evaluated(tmp_path, PYDANTIC, SHOP_HOST="h", HOST="wrong")
    assert (value.data, value.holes) == ("redis://:{SHOP_PASSWORD}@h/0", ("SHOP_PASSWORD",))


def test_a_validator_that_makes_a_value_out_of_others_is_followed(tmp_path: Path) -> None:
    code = """
        from pydantic import BaseSettings, validator
        class S(BaseSettings):
            HOST: str = "h"
            URL: str | None = None
            @validator("URL", pre=True)
            def assemble(cls, v, values):
                if v:
                    return v
                return f"redis://{values.get('HOST')}/0"
        x = S().URL
    """
    assert evaluated(tmp_path, code).data == "redis://h/0"


def test_an_interpolated_variable_is_a_hole(tmp_path: Path) -> None:
    value = evaluated(tmp_path, "import os\nx = os.environ['URL']", URL="redis://:${PW}@h/0")
    assert (value.data, value.holes) == ("redis://:{PW}@h/0", ("PW",))
