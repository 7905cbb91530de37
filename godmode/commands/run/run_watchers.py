"""run_watchers: look for trouble now. Declared; its body is not part of this version."""

from __future__ import annotations

from godmode.lib.kernel import Every, Job

JOB = Job(name="run_watchers", help="look for trouble and open incidents", cadence=Every(minutes=5), run=None)
