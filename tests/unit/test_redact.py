"""Nothing sensitive leaves, and little else is touched: the corpus, the laws, and hostile texts."""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
from collections import defaultdict
from urllib.parse import quote, quote_plus

import pytest
from fakes import innocent_lines, secrets_corpus
from hypothesis import example, given
from hypothesis import strategies as st

from godmode.lib.notify.redact import WITHHELD, redact
from godmode.lib.notify.shapes import numbers

SEEDS = (secrets_corpus.DEVELOPMENT, secrets_corpus.REPORT)
OWN = "correct-horse/battery+staple=9"


@pytest.mark.parametrize("seed", SEEDS)
def test_of_the_secrets_of_the_corpus_at_least_99_in_100_are_taken_out_whole(seed: int) -> None:
    kept = defaultdict(list)
    lines = secrets_corpus.secrets(seed)
    for line in lines:
        if any(line.text[start:end] in redact(line.text) for start, end in line.spans):
            kept[line.kind].append(line.text)
    assert len(lines) >= 300 and len({line.kind for line in lines}) >= 40
    assert sum(map(len, kept.values())) <= len(lines) / 100, dict(kept)
    assert all(len(texts) <= 1 for texts in kept.values()), dict(kept)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_the_innocent_lines_at_most_one_in_100_is_touched(seed: int) -> None:
    lines = secrets_corpus.innocent(seed)
    touched = [(line, redact(line)) for line in lines if redact(line) != line]
    assert len(lines) >= 1000
    assert len(touched) <= len(lines) / 100, touched


def test_what_was_taken_out_is_named_by_its_kind_and_the_rest_stays_as_it_was() -> None:
    key = "sk_" + "live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    assert redact(f"Stripe said no to {key}, retrying.") == "Stripe said no to [redacted: Stripe key], retrying."
    assert redact("postgresql://app:Xy7-secret@db.example.com/shop") == (
        "postgresql://app:[redacted: password]@db.example.com/shop"
    )
    assert (
        redact('{"password": "hunter22", "user": "jonah"}') == '{"password": "[redacted: password]", "user": "jonah"}'
    )


def test_a_password_goes_from_behind_two_names_for_it() -> None:
    assert redact("Password: password: hunter22x") == "Password: password: [redacted: password]"


def test_a_telegram_token_goes_from_the_address_that_a_failed_request_names() -> None:
    token = "2565177080:" + "AAntfqOI0kNtclhkcxWBGq8n9X3gPLKC7Qw"
    assert token[11:] not in redact(f"POST https://api.telegram.org/bot{token}/sendMessage failed")


# -- the program's own secrets -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        OWN,
        quote(OWN, safe=""),
        quote(OWN, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
        quote_plus(OWN),
        *(base64.b64encode(f"{'x' * before}{OWN}:tail".encode()).decode() for before in range(3)),
        *(base64.urlsafe_b64encode(f"{'?' * before}{OWN}".encode()).decode() for before in range(3)),
    ],
)
def test_a_configured_secret_goes_however_it_is_written(written: str) -> None:
    cleaned = redact(f"it said {written} and stopped", secrets=[OWN])
    assert cleaned.startswith("it said ") and cleaned.endswith(" and stopped")
    assert not any(written[i : i + 12] in cleaned for i in range(len(written) - 11))


@given(st.text(min_size=6, max_size=40).filter(str.strip), st.text(max_size=30), st.text(max_size=30))
def test_a_configured_secret_never_stays_whatever_it_and_the_text_around_it_are(
    secret: str, before: str, after: str
) -> None:
    cleaned = redact(before + secret + after, secrets=[secret])
    left = cleaned.replace("[redacted: configured secret]", "\0")
    assert secret not in left or secret in "\0"


def test_a_secret_with_quotes_goes_from_json_too() -> None:
    secret = 'pa"ss\\wörd-1'
    assert "1" not in redact(json.dumps({"x": secret}), secrets=[secret])


def test_a_short_configured_secret_goes_where_it_stands_alone_and_leaves_words_whole() -> None:
    assert redact("pin abc, alphabet, abc.", secrets=["abc", ""]) == (
        "pin [redacted: configured secret], alphabet, [redacted: configured secret]."
    )


# -- whose addresses may stay ------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["+15125550100", "+1 512 555 0100", "(512) 555-0100", "512-555-0100"])
def test_her_own_number_stays_however_it_is_written_and_anothers_goes(written: str) -> None:
    for hers in ("+15125550100", "(512) 555-0100"):
        assert redact(f"calling {written}", keep=[hers, ""]) == f"calling {written}"
    assert redact(f"calling {written}", keep=["+15125550199"]) == "calling [redacted: phone number]"


def test_her_own_mail_address_stays_and_anothers_goes() -> None:
    text = "from Jonah@Example.com to maria@example.com"
    assert redact(text, keep=["jonah@example.com"]) == "from Jonah@Example.com to [redacted: e-mail address]"


def test_her_address_does_not_keep_a_password_that_stands_before_it() -> None:
    assert "geheim77" not in redact("smtps://jonah:geheim77@example.com", keep=["geheim77@example.com"])


# -- laws --------------------------------------------------------------------------------------------------

_PIECES = st.sampled_from(
    [line.text for line in secrets_corpus.secrets(1, each=3)]
    + [innocent_lines.fill(random.Random(1), line) for line in innocent_lines.LINES]
    + [
        "\0",
        "\ud800",
        "\u202e",
        "[redacted: ",
        "]",
        "[redacted: JWT]",
        "=",
        ":",
        "@",
        "://",
        "\n",
        '"',
        "'",
        "password",
        " ",
    ]
)


@given(st.lists(_PIECES | st.text(max_size=12), max_size=6).map("".join))
@example("[redacted: password=hunter22]")
@example("password=[redacted: password] password=x1y2z3")
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = redact(text, secrets=[OWN])
    assert redact(once, secrets=[OWN]) == once


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_string_is_taken_also_one_that_no_codec_takes(text: str) -> None:
    assert isinstance(redact(text, secrets=[text]), str)


@pytest.mark.parametrize("stranger", ["\0", "\ud800", "\udfff", "\u202e", "\u200f", "\ufeff", "🎉", "ﷺ"])
def test_strange_characters_beside_a_secret_do_not_hide_it(stranger: str) -> None:
    key = "xoxb-" + "123456789012-" + "AbCdEfGhIjKlMnOpQrStUvWx"
    for text in (f"{stranger}{key}{stranger}", f"token:{stranger} {key}", f"שלום {stranger}{key} עולם"):
        assert key not in redact(text)


def test_a_mark_that_somebody_wrote_himself_hides_nothing() -> None:
    key = "ghp_" + "a1B2" * 9
    assert key not in redact(f"[redacted: {key}]")
    assert key not in redact(f"[redacted: JWT {key}]")
    assert "IOSFODNN7" not in redact("[redacted: AKIA" + "IOSFODNN7ABCDEFG]")


def test_a_token_longer_than_its_kind_has_ever_been_goes_to_its_end() -> None:
    assert redact("ghp_" + "a1B2" * 3000 + " done") == "[redacted: GitHub token] done"
    assert redact("A" * 100_000) != WITHHELD


def test_a_private_key_that_is_cut_off_goes_as_far_as_it_reaches() -> None:
    begin = "-----BEGIN RSA " + "PRIVATE KEY-----\n"
    text = (
        f"{begin}{'MIIEowIBAAKCAQEAwYSiPeJLSi6k8J4x' * 2}\n{'qg9uYyZaBcDeFgHiJkLmNoPqRsTuVwXy' * 2}\nthen it stopped."
    )
    assert redact(text) == "[redacted: private key]\nthen it stopped."


# -- check digits ------------------------------------------------------------------------------------------


def test_a_number_with_a_wrong_check_digit_is_no_card_and_no_iban() -> None:
    assert numbers.luhn("4111111111111111") and not numbers.luhn("4111111111111112")
    assert numbers.mod97("DE89370400440532013000") and not numbers.mod97("DE88370400440532013000")
    assert redact("order 4111 1111 1111 1112") == "order 4111 1111 1111 1112"
    assert redact("ref DE88 3704 0044 0532 0130 00") == "ref DE88 3704 0044 0532 0130 00"


def test_a_card_is_found_right_behind_other_digits() -> None:
    assert redact("order 12 4111 1111 1111 1111") == "order 12 [redacted: card number]"


# -- a megabyte of ill will --------------------------------------------------------------------------------


HOSTILE = (
    "password: ", "-eyJ", "://a:b", "pwd='", "a.a@a.", "token is for ", "4111 ", "DE89 3704 ", "key=a&", "/a/", "\\",
    "+1 ", "-----BEGIN PRIVATE " + "KEY-----", "cookie: a=b;", "1", "A", "a1B", "[redacted: ", "curl -u a:",
    "\ud800", "\0",
)  # fmt: skip


@pytest.mark.parametrize("seed", HOSTILE)
def test_a_text_that_means_ill_ends_and_ends_clean(seed: str) -> None:
    text = seed * (100_000 // len(seed)) + " ghp_" + "a1B2" * 9
    assert "a1B2a1B2" not in redact(text)


def test_a_megabyte_of_all_of_it_ends_and_ends_clean() -> None:
    text = "".join(seed * (1_000_000 // len(HOSTILE) // len(seed)) for seed in HOSTILE) + " ghp_" + "a1B2" * 9
    assert "a1B2a1B2" not in redact(text)


# -- what it costs -----------------------------------------------------------------------------------------


def test_it_is_imported_without_the_library_for_phone_numbers_until_digits_stand_together() -> None:
    code = """
import sys
from godmode.lib.notify.redact import redact
redact("n8n answered 502 at 03:10, 3 of 5, order #10482")
assert "phonenumbers" not in sys.modules
redact("call +1 512 555 0100")
assert "phonenumbers" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
