import os, subprocess, pytest, psycopg
from godmode.lib import config as c
from godmode.lib.store import migrate

ADMIN = "host=/tmp/pgs dbname=postgres user=postgres"


@pytest.fixture(scope="session")
def template():
    with psycopg.connect(ADMIN, autocommit=True) as a:
        a.execute("DROP DATABASE IF EXISTS tpl WITH (FORCE)")
        a.execute("CREATE DATABASE tpl")
    with psycopg.connect("host=/tmp/pgs dbname=tpl user=postgres", autocommit=True) as t:
        migrate.apply(t)
    return "tpl"


N = [0]


@pytest.fixture
def database_url(template, monkeypatch):
    N[0] += 1
    n = f"t{N[0]}"
    with psycopg.connect(ADMIN, autocommit=True) as a:
        a.execute(f"DROP DATABASE IF EXISTS {n} WITH (FORCE)")
        a.execute(f"CREATE DATABASE {n} TEMPLATE tpl")
    u = f"postgresql://postgres@/{n}?host=/tmp/pgs"
    monkeypatch.setenv("DATABASE_URL", u)
    yield u


@pytest.fixture
def db(database_url):
    with psycopg.connect(database_url, autocommit=True) as d:
        yield d


@pytest.fixture
def config(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("GODMODE_HOME", str(tmp_path))
    return c.load()
