from godmode.lib.config import Config, secret
import psycopg
def connect(config: Config, application: str) -> psycopg.Connection:
    return psycopg.connect(secret("DATABASE_URL") or "", autocommit=True, prepare_threshold=None, application_name=application)
