"""What an examination comes to: how one thing is, how to mend it, and by what it may be mended without asking."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

OK, WARN, BAD = "ok", "warn", "bad"


class Symptom(Struct, frozen=True):
    """How one thing is: `ok`, `warn` (it works, and should be otherwise) or `bad`; `fix` is what to do.

    `mend`, where there is one, does it: it is safe, may be done twice, and raises OSError or a GodmodeError.
    """

    state: str
    says: str
    fix: str = ""
    mend: Callable[[], object] | None = None


Examination = Callable[[], Iterator[Symptom]]
