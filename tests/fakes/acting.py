"""A process that acts as fast as it can: `acting.py JOB URL` runs a job that posts until it is stopped, and again."""

from __future__ import annotations

import sys
import time
import urllib.request
import uuid
from functools import partial

from msgspec.structs import replace as put

from godmode.lib import config as configuration
from godmode.lib.engine.equipment import Mode
from godmode.lib.engine.runner import Runner
from godmode.lib.errors import Transient
from godmode.lib.kernel import Every, Job, JobContext, JobResult, Outcome, Receipt
from godmode.wiring import App


def main() -> None:
    name, url = sys.argv[1:]

    def run(ctx: JobContext) -> JobResult:
        while True:
            key = f"{name}:{uuid.uuid4().hex}"
            ctx.act(key, "post", url, partial(post, f"{url}/{key}"))

    job = Job(name, name, Every(seconds=1), run)
    app = App(configuration.load())
    runner = Runner(put(app.runner.has, job=lambda _: job))
    while True:
        if runner.run(name, Mode(again=True)).result.outcome is Outcome.SKIPPED:
            time.sleep(0.005)


def post(url: str) -> Receipt:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=60):
            return Receipt("ok")
    except OSError as e:
        raise Transient(str(e)) from None


if __name__ == "__main__":
    main()
