"""Lines with nothing to hide: what chats, logs and digests of a small company are full of. `{name}` is drawn."""

from __future__ import annotations

import random
import re
import string
from collections.abc import Callable

HEX = string.digits + "abcdef"
BASE62 = string.ascii_letters + string.digits
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _of(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda draw: "".join(draw.choices(alphabet, k=length))


def _one(*words: str) -> Callable[[random.Random], str]:
    return lambda draw: draw.choice(words)


def _number(low: int, high: int, form: str = "d") -> Callable[[random.Random], str]:
    return lambda draw: format(draw.randrange(low, high), form)


def _uuid(draw: random.Random) -> str:
    return "-".join(_of(HEX, n)(draw) for n in (8, 4, 4, 4, 12))


def _date(draw: random.Random) -> str:
    return f"2026-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}"


def _time(draw: random.Random) -> str:
    return f"{draw.randrange(24):02}:{draw.randrange(60):02}"


def _order(draw: random.Random) -> str:
    n = draw.randrange(1000, 99999)
    return draw.choice(
        (f"#{n}", f"SO-2026-{n:05}", f"ORD-{n}-{draw.randrange(1000, 9999)}", f"RE-2026-{n:05}", f"PO {n}")
    )


FIELDS: dict[str, Callable[[random.Random], str]] = {
    "sha": _of(HEX, 40),
    "sha256": _of(HEX, 64),
    "short": _of(HEX, 7),
    "md5": _of(HEX, 32),
    "uuid": _uuid,
    "n8n": _of(BASE62, 16),
    "small": _number(2, 400),
    "count": _number(1000, 99999, ","),
    "hubspot": _number(10**10, 10**11),
    "portal": _number(10**7, 10**8),
    "execution": _number(10**4, 10**6),
    "ms": _number(1_700_000_000_000, 1_800_000_000_000),
    "epoch": _number(1_700_000_000, 1_800_000_000),
    "snowflake": _number(10**18, 2 * 10**18),
    "ulid": lambda draw: "01" + _of(_CROCKFORD, 24)(draw),
    "mongo": _of(HEX, 24),
    "base62_24": _of(BASE62, 24),
    "slack": lambda draw: "C0" + _of(string.ascii_uppercase + string.digits, 9)(draw),
    "drive": lambda draw: "1" + _of(BASE62 + "-_", 43)(draw),
    "youtube": _of(BASE62 + "-_", 11),
    "pod": lambda draw: f"{_of(HEX, 10)(draw)}-{_of(string.ascii_lowercase, 5)(draw)}",
    "colour": _of(HEX, 6),
    "version": lambda draw: f"{draw.randrange(12)}.{draw.randrange(40)}.{draw.randrange(30)}",
    "ip": lambda draw: f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(1, 255)}",
    "mac": lambda draw: ":".join(_of(HEX, 2)(draw) for _ in range(6)),
    "date": _date,
    "time": _time,
    "iso": lambda draw: f"{_date(draw)}T{_time(draw)}:{draw.randrange(60):02}.{draw.randrange(1000):03}Z",
    "order": _order,
    "amazon": lambda draw: f"{draw.randrange(100, 130)}-{draw.randrange(10**6, 10**7)}-{draw.randrange(10**6, 10**7)}",
    "ean": lambda draw: f"40{draw.randrange(10**10, 10**11)}",
    "isbn": lambda draw: f"978-3-{draw.randrange(10, 99)}-{draw.randrange(100000, 999999)}-{draw.randrange(9)}",
    "ups": lambda draw: "1Z" + _of(string.ascii_uppercase + string.digits, 6)(draw) + _of(string.digits, 10)(draw),
    "dhl": lambda draw: "00340" + _of(string.digits, 15)(draw),
    "vat": lambda draw: f"DE{draw.randrange(10**8, 10**9)}",
    "integrity": lambda draw: f"sha512-{_of(BASE62 + '+/', 86)(draw)}==",
    "fingerprint": lambda draw: f"SHA256:{_of(BASE62 + '+/', 43)(draw)}",
    "person": _one("Maria", "Tom", "Lena Vogt", "Diego", "Ana", "Jens", "Priya", "O'Neill"),
    "euro": lambda draw: f"{draw.randrange(1, 999)}.{draw.randrange(1000):03},{draw.randrange(100):02} €",
    "dollar": lambda draw: f"${draw.randrange(1, 99)},{draw.randrange(1000):03}.{draw.randrange(100):02}",
}  # fmt: skip


def fill(draw: random.Random, template: str) -> str:
    """The template with its `{name}`s drawn; `{}` stays, `{{` is a brace."""

    def put(match: re.Match[str]) -> str:
        return FIELDS[match[1]](draw) if match[1] else match[0][0]

    return re.sub(r"\{\{|\}\}|\{(\w+)\}", put, template)


LINES: tuple[str, ...] = (
    "merged {sha} into main",
    "revert {short}, it broke the import",
    "Fix sync cursor ({short}..{short})",
    "https://github.com/acme/ops/commit/{sha}",
    "image: registry.example.com/erp@sha256:{sha256}",
    "checksum {md5}  backup-{date}.sql.gz",
    "sha256 of the export is {sha256}",
    "run {uuid} finished in {small} ms",
    "trace_id={uuid} span={mongo} took {small}ms",
    "session {uuid} opened from {ip}",
    "Order {order} ships {date}",
    "where is {order}? {person} asked at {time}",
    "Amazon order {amazon} came back damaged",
    "Bestellung {order} ist seit {date} offen",
    "El pedido {order} llegará el {date}",
    "invoice {order} over {euro} is due {date}",
    "paid {dollar} for {order}, thanks {person}",
    "{count} rows, {small} skipped, since {iso}",
    "{iso} INFO worker-{small} finished order-sync in {small} ms",
    "{iso} WARN retry {small}/5 in 2000 ms",
    "see you at {time} on {date}",
    "the call is at {time}, please call before {time}",
    "open {time}–{time}, closed on 24.12.2026",
    "n8n workflow {n8n} failed {small} times",
    "https://n8n.example.com/workflow/{n8n}/executions/{execution}",
    "execution {execution} of {n8n} was cancelled",
    "https://n8n.example.com/webhook/{uuid}",
    "https://www.notion.so/acme/Returns-policy-{md5}",
    "notion page {md5} changed, property Tags",
    "block {uuid} has no text",
    "https://app.hubspot.com/contacts/{portal}/record/0-1/{hubspot}",
    "deal {hubspot} moved to closedwon",
    "HubSpot contact {hubspot}: lifecycle stage lead",
    "portal {portal} has {count} contacts",
    "https://docs.google.com/spreadsheets/d/{drive}/edit#gid=0",
    "video: https://youtu.be/{youtube}?t=42",
    "message ts {epoch}.{ms} in {slack}",
    "posted in <#{slack}|orders> by <@U0{slack}>",
    "evt_{base62_24} was handled twice",
    "customer cus_{n8n} has no card on file",
    "payment intent pi_{base62_24} succeeded, {dollar}",
    "request req_{base62_24} answered 429",
    "message SM{md5} delivered to the carrier",
    "call CA{md5} ended: no-answer",
    "item {ulid} indexed",
    "document {mongo} updated by {person}",
    "pod web-{pod} restarted {small} times",
    "container {short}{short} exited with 137",
    "tweet {snowflake} got {small} likes",
    "at {ms} ms the queue was empty",
    "next run {epoch}, last run {epoch}",
    "colour #{colour} on #ffffff fails contrast",
    "body {{ background: #{colour}; margin: 0 auto; }}",
    "godmode {version}, Python 3.11.{small}",
    "upgrade psycopg {version} -> {version}",
    "pip install httpx=={version} typer>={version}",
    "node v{version} at {ip}:8080",
    "ping {ip}: {small} ms, mac {mac}",
    "/var/lib/godmode/state/backup-{date}.dump",
    "/home/jonah/projects/erp/src/Orders/Import2026.tsx",
    "~/Library/Application Support/Code/User/settings.json",
    "C:\\Users\\jonah\\Documents\\Invoices\\{date}.pdf",
    "File \"/srv/app/godmode/lib/engine/runner.py\", line {small}, in _work",
    "tests/unit/test_redact.py::test_order_numbers_stay PASSED [ {small}%]",
    "TypeError: HubSpotContactSync2026Workflow.run() takes 2 positional arguments",
    "getElementsByClassNameV2 is deprecated, use querySelectorAll2026",
    "class OrderImportServiceFactoryV2(BaseOrderImportService):",
    "kubectl -n prod rollout restart deploy/order-import-service-v2",
    "docker pull ghcr.io/acme/order-import:{version}-alpine3.20",
    "\"integrity\": \"{integrity}\"",
    "ED25519 key fingerprint is {fingerprint}.",
    "SKU AB12-9934-XL, {small} in stock",
    "EAN {ean}, ISBN {isbn}",
    "UPS {ups}, out for delivery",
    "DHL Sendung {dhl} kommt morgen",
    "USt-IdNr. {vat}, Handelsregister HRB {execution}",
    "{small} % of {count} mails were opened",
    "total {euro} netto, {euro} brutto",
    "latitude 30.2672, longitude -97.7431",
    "the password expired, {person} resets it",
    "password: required",
    "Password reset mail was sent to the customer at {time}",
    "the password is wrong again",
    "please change your password before {date}",
    "Passwort vergessen? Dann bitte den Link benutzen.",
    "la contraseña es obligatoria para entrar",
    "my password is still the old one",
    "pass: {small}, fail: 2, skip: 0",
    "tests pass={small} fail=0",
    "PWD=/srv/app OLDPWD=/root",
    "token refreshed at {time}",
    "token: expired",
    "the Notion token is missing; set NOTION_TOKEN",
    "NOTION_TOKEN_FILE=/run/credentials/notion",
    "{count} prompt tokens, {small} completion tokens, max_tokens=4096",
    "next_page_token: none",
    "token expired for workflow {n8n}",
    "API key rotated in commit {sha}",
    "secret scanning found nothing in {short}",
    "secret santa is on {date}, {person} collects",
    "credentials: see 1Password",
    "the key account manager is {person}",
    "primary key (id), unique key (dedup_key)",
    "dedup_key=job_failing:daily_digest:{iso}",
    "sort key: created_at, partition key: region",
    "401 Unauthorized: bearer token is missing",
    "Authorization failed for n8n, check the key",
    "bearer of good news: {order} arrived",
    "Basic plan, {small} seats, renewed {date}",
    "cookie: banner shows twice on Safari",
    "cookies and milk for {person}",
    "session started at {time}, ended at {time}",
    "signature is missing on page {small}",
    "signed off by {person} on {date}",
    "card was declined, {person} tries another",
    "card ending in 4242 expires 12/29",
    "account number is missing on the form",
    "HubSpot account {portal} is on the free plan",
    "bank holiday on {date}, no transfers",
    "error code: 502, exit code 137",
    "HTTP 429, Retry-After: {small}",
    "code review for #{small} is done",
    "verification code was not received",
    "PIN board moved to floor 2",
    "pick two at 10 and four at 12",
    "SEV1: order-sync failing since {time}, {small} times (`godmode incidents show {small}`)",
    "godmode digest, Tue 24 Nov 2026",
    "3. Orders without tracking are asked about {small} times a week (`godmode proposals show {small}`)",
    "All quiet. Looked at: chatlogs (read {time}), incidents, failed work, proposals.",
    "n8n not read since Mon 03:10: n8n answered 502 (`godmode run sync-n8n`)",
    "Heute {small} neue Nachrichten, {small} Workflows gelaufen, keiner fehlgeschlagen.",
    "Ayer hubo {small} pedidos nuevos y {small} devoluciones.",
    "Donaudampfschifffahrtsgesellschaftskapitän und Rindfleischetikettierungsüberwachung",
    "electroencefalografista, otorrinolaringología, anticonstitucionalmente",
    "Der Rückruf an den Kunden {order} ist für {time} geplant.",
    "git@github.com:acme/ops-scripts.git",
    "logo@2x.png and hero@3x.webp are missing",
    "npm i @acme/order-import@{version}",
    "{person} @ the warehouse says {small} boxes",
    "ratio 16:9, 1920x1080, 59.94 fps",
    "1:0, 2:1, 3-2, 6-4 7-5",
    "0x7ffee4c0a{short}, errno 104",
    "pages 112-118, §§ 433 ff. BGB",
    "size 102 400 000 bytes, {count} files",
    "INSERT INTO orders (id, total) VALUES ({execution}, {small}.50)",
    "SELECT count(*) FROM memory_items WHERE key = 'chatlogs:{uuid}'",
    "curl -sS https://api.example.com/v1/orders?limit=100&cursor={execution}",
    "https://shop.example.com/products/blue-kettle-2l?variant={hubspot}&utm_source=mail",
    "https://calendar.example.com/event?eid={execution}&date={date}",
    "<https://acme.example.com/help|Help center> updated by {person}",
    "emoji 🎉🎉 {small} orders today 🚀",
    "שלום, ההזמנה {order} יצאה לדרך",
    "تم شحن الطلب {order} اليوم",
    "注文 {order} は {date} に発送されました",
    "RFC 9110 section 10.2.3, ISO 8601:2019",
    "temperature 21.5 °C, humidity {small} %",
    "job_state version {small}, lease until {iso}",
    "20261124T080000-1a2b3c4d daily_digest succeeded",
    "log rotated: godmode.log.{small}.gz ({count} lines)",
    "{{\"level\":\"info\",\"ts\":{epoch}.{small},\"msg\":\"sync done\",\"items\":{small}}}",
    "feature/ORD-{small}-split-shipments was force-pushed",
    "Kundennummer {execution}, Auftrag {order}, Lieferschein {execution}",
    "box 12 of 40, pallet {small}, aisle B7",
    "the answer to {order} is yes, {person}",
)  # fmt: skip
