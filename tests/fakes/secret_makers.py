"""Secrets in their services' documented forms, drawn at random: never anyone's."""

from __future__ import annotations

import base64
import itertools
import json
import random
import string
from collections.abc import Callable

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
BASE62 = LOWER + UPPER + DIGITS
URLSAFE = BASE62 + "-_"
HEX = DIGITS + "abcdef"
Maker = Callable[[random.Random], str]


def _of(alphabet: str, *lengths: int) -> Maker:
    return lambda draw: "".join(draw.choices(alphabet, k=draw.choice(lengths)))


def _form(*parts: str | Maker) -> Maker:
    return lambda draw: "".join(part if isinstance(part, str) else part(draw) for part in parts)


def _any(*makers: Maker) -> Maker:
    return lambda draw: draw.choice(makers)(draw)


def _one(*words: str) -> Maker:
    return lambda draw: draw.choice(words)


def _b64(*lengths: int) -> Maker:
    return lambda draw: base64.b64encode(draw.randbytes(draw.choice(lengths))).decode()


def _uuid(draw: random.Random) -> str:
    return "-".join(_of(HEX, n)(draw) for n in (8, 4, 4, 4, 12))


def _jwt(draw: random.Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    claims = {
        "sub": _uuid(draw),
        "iss": "n8n",
        "aud": "public-api",
        "iat": draw.randrange(1_700_000_000, 1_800_000_000),
    }
    signature = base64.urlsafe_b64encode(draw.randbytes(32)).decode().rstrip("=")
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims)}.{signature}"


def _private_key(draw: random.Random) -> str:
    label = draw.choice(("", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED ")) + "PRIVATE" + " KEY"
    body = base64.b64encode(draw.randbytes(draw.choice((121, 600, 1190)))).decode()
    end = draw.choice(("\n", "\\n", "\r\n"))
    lines = [body[i : i + 64] for i in range(0, len(body), 64)]
    return end.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])


def _card(draw: random.Random) -> str:
    prefix, length = draw.choice(
        (("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("37", 15), ("6011", 16), ("3530", 16))
    )
    digits = prefix + _of(DIGITS, length - len(prefix) - 1)(draw)
    doubled = [int(d) * (2 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits))]
    digits += str(-sum(d - 9 if d > 9 else d for d in doubled) % 10)
    groups = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    cuts = [sum(groups[:i]) for i in range(len(groups) + 1)]
    return draw.choice(("", " ", "-", " ")).join(digits[a:b] for a, b in itertools.pairwise(cuts))


def _iban(draw: random.Random) -> str:
    country, length = draw.choice((("DE", 22), ("ES", 24), ("FR", 27), ("AT", 20), ("NL", 18), ("GB", 22), ("CH", 21)))
    letters = {"NL": 4, "GB": 4}.get(country, 0)
    account = _of(UPPER, letters)(draw) if letters else ""
    account += _of(DIGITS, length - 4 - letters)(draw)
    check = 98 - int("".join(str(int(c, 36)) for c in f"{account}{country}00")) % 97
    iban = f"{country}{check:02}{account}"
    return " ".join(iban[i : i + 4] for i in range(0, length, 4)) if draw.random() < 0.6 else iban


def _ssn(draw: random.Random) -> str:
    return f"{draw.randrange(1, 665):03}-{draw.randrange(1, 99):02}-{draw.randrange(1, 9999):04}"


def _password(draw: random.Random) -> str:
    word = draw.choice(("Sommer", "kestrel", "Otter", "monday", "Trabajo", "hunter", "Blaubeere", "winter"))
    return word + draw.choice(("!", "#", "_", "", "$")) + _of(DIGITS, 2, 4)(draw) + draw.choice(("", "!", "x", "?Q"))


def _mail(draw: random.Random) -> str:
    first = draw.choice(("maria.lopez", "tom", "k.becker", "ana-sofia", "jens_w", "billing+eu", "o'hara"))
    domain = draw.choice(("example.com", "mail.example.org", "kunde-nord.de", "correo.es"))
    return f"{first}{draw.choice(('', '7', '.2'))}@{domain}"


def _pair(draw: random.Random) -> str:
    user = draw.choice(("api", "admin", "jonah"))
    return base64.b64encode(f"{user}:{_password(draw)}{_of(BASE62, 6)(draw)}".encode()).decode()


def _phone(draw: random.Random) -> str:
    area, line = draw.choice(("512", "212", "415", "303")), f"555-01{draw.randrange(100):02}"
    american = (
        f"({area}) {line}",
        f"{area}-{line}",
        f"+1 {area} {line}",
        f"+1{area}{line.replace('-', '')}",
        f"{area}.{line.replace('-', '.')}",
    )
    abroad = (
        f"+49 30 {draw.randrange(100000, 999999)}",
        f"+34 6{draw.randrange(10, 99)} {draw.randrange(100, 999)} {draw.randrange(100, 999)}",
        f"+44 7700 9{draw.randrange(10000, 99999)}",
        f"0049 170 {draw.randrange(1000000, 9999999)}",
    )
    return draw.choice(american + abroad)


MAKERS: dict[str, Maker] = {
    "AWS access key": _form(_one("AKIA", "ASIA"), _of(UPPER + "234567", 16)),
    "AWS secret key": _of(BASE62 + "+/", 40),
    "GitHub token": _any(
        _form(_one("ghp_", "gho_", "ghs_", "ghu_"), _of(BASE62, 36)),
        _form("github_pat_", _of(BASE62, 22), "_", _of(BASE62, 59)),
    ),
    "GitLab token": _any(
        _form("glpat-", _of(URLSAFE, 20)), _form("glpat-", _of(URLSAFE, 27), ".01.", _of(DIGITS + LOWER, 9))
    ),
    "npm token": _form("npm_", _of(BASE62, 36)),
    "PyPI token": _form("pypi-AgEIcHlwaS5vcmc", _of(URLSAFE, 150)),
    "Docker Hub token": _form("dckr_pat_", _of(URLSAFE, 27)),
    "Slack token": _any(
        _form("xoxb-", _of(DIGITS, 12), "-", _of(DIGITS, 13), "-", _of(BASE62, 24)),
        _form("xoxp-", _of(DIGITS, 11), "-", _of(DIGITS, 11), "-", _of(DIGITS, 12), "-", _of(HEX, 32)),
        _form("xapp-1-A0", _of(UPPER + DIGITS, 9), "-", _of(DIGITS, 13), "-", _of(HEX, 64)),
    ),
    "Slack webhook": _form(
        "https://hooks.slack.com/services/T0",
        _of(UPPER + DIGITS, 8),
        "/B0",
        _of(UPPER + DIGITS, 8),
        "/",
        _of(BASE62, 24),
    ),
    "Stripe key": _form(_one("sk_live_", "rk_live_", "sk_test_"), _of(BASE62, 24, 99)),
    "Stripe webhook secret": _form("whsec_", _of(BASE62, 32)),
    "Twilio account": _form("AC", _of(HEX, 32)),
    "Twilio key": _form("SK", _of(HEX, 32)),
    "Twilio auth token": _of(HEX, 32),
    "Telegram bot token": _form(_of("123456789", 1), _of(DIGITS, 8, 9), ":AA", _of(URLSAFE, 32), _of(BASE62, 1)),
    "Notion token": _any(_form("ntn_", _of(DIGITS, 11), _of(BASE62, 35)), _form("secret_", _of(BASE62, 43))),
    "HubSpot token": _form(_one("pat-na1-", "pat-eu1-", "pat-na2-"), _uuid),
    "n8n key": _jwt,
    "OpenAI key": _any(
        _form("sk-proj-", _of(URLSAFE, 74), "T3BlbkFJ", _of(URLSAFE, 73), _of(BASE62, 1)), _form("sk-", _of(BASE62, 48))
    ),
    "Anthropic key": _form("sk-ant-api03-", _of(URLSAFE, 93), "AA"),
    "Google API key": _form("AIza", _of(URLSAFE, 34), _of(BASE62, 1)),
    "Google OAuth token": _any(
        _form("ya29.a0", _of(URLSAFE, 120), _of(BASE62, 1)), _form("GOCSPX-", _of(URLSAFE, 27), _of(BASE62, 1))
    ),
    "SendGrid key": _form("SG.", _of(URLSAFE, 21), _of(BASE62, 1), ".", _of(URLSAFE, 42), _of(BASE62, 1)),
    "Mailgun key": _any(_form("key-", _of(HEX, 32)), _form(_of(HEX, 32), "-", _of(HEX, 8), "-", _of(HEX, 8))),
    "Mailchimp key": _form(_of(HEX, 32), "-us", _of("123456789", 1)),
    "DigitalOcean token": _form(_one("dop_v1_", "doo_v1_", "dor_v1_"), _of(HEX, 64)),
    "Heroku key": _any(_form("HRKU-AA", _of(URLSAFE, 57), _of(BASE62, 1)), _uuid),
    "Shopify token": _form(_one("shpat_", "shpss_", "shpca_"), _of(HEX, 32)),
    "Square token": _any(
        _form("sq0atp-", _of(URLSAFE, 21), _of(BASE62, 1)),
        _form("sq0csp-", _of(URLSAFE, 42), _of(BASE62, 1)),
        _form("EAAA", _of(URLSAFE, 59), _of(BASE62, 1)),
    ),
    "Azure storage key": _form(_b64(64)),
    "Azure client secret": _form(_of(BASE62, 3), _of(DIGITS, 1), "Q~", _of(BASE62 + "_.-", 33), _of(BASE62, 1)),
    "Airtable token": _form("pat", _of(BASE62, 14), ".", _of(HEX, 64)),
    "Linear key": _form("lin_api_", _of(BASE62, 40)),
    "Discord token": _form(
        _one("M", "N", "O"), _of(BASE62, 25), ".", _of(URLSAFE, 6), ".", _of(URLSAFE, 37), _of(BASE62, 1)
    ),
    "Discord webhook": _form(
        "https://discord.com/api/webhooks/1", _of(DIGITS, 17), "/", _of(URLSAFE, 67), _of(BASE62, 1)
    ),
    "Databricks token": _form("dapi", _of(HEX, 32)),
    "Vault token": _form("hvs.", _of(URLSAFE, 89), _of(BASE62, 1)),
    "Grafana token": _any(_form("glsa_", _of(BASE62, 32), "_", _of(HEX, 8)), _form("glc_", _of(BASE62, 120))),
    "Sentry token": _form("sntrys_", _of(BASE62, 100)),
    "Hugging Face token": _form("hf_", _of(BASE62, 34)),
    "Supabase key": _any(_form("sbp_", _of(HEX, 40)), _form("sb_secret_", _of(URLSAFE, 22), "_", _of(BASE62, 8))),
    "Tailscale key": _form("tskey-auth-k", _of(BASE62, 11), "CNTRL-", _of(BASE62, 32)),
    "New Relic key": _form("NRAK-", _of(UPPER + DIGITS, 27)),
    "private key": _private_key,
    "connection string": _form(_of(BASE62, 8, 14, 24)),
    "basic-auth URL": _form(_of(BASE62 + "!$*-_.", 10, 16), _of(BASE62, 1)),
    "bearer header": _of(URLSAFE[:62], 24, 40, 64),
    "basic header": _pair,
    "session id": _any(_of(HEX, 32), _of(BASE62, 26, 40)),
    "password": _password,
    "API key by name": _any(_of(HEX, 32, 40), _of(BASE62, 24, 32), _uuid),
    "signed address": _any(_of(HEX, 64), _of(BASE62, 43)),
    "card number": _card,
    "IBAN": _iban,
    "social security number": _ssn,
    "bank account": _of(DIGITS, 9, 10, 12),
    "one-time code": _of(DIGITS, 6),
    "random token": _of(BASE62, 28, 32, 40, 48),
    "e-mail address": _mail,
    "phone number": _phone,
}
