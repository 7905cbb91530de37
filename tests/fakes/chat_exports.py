"""Chat exports as the services write them, of any size: for the tests in memory, for the benchmark as a stream."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BEGIN = 1_760_000_000  # seconds; 2025-10-09 08:53:20 UTC
TURNS = 30  # of a conversation in a large export

Json = dict[str, Any]


def text_of(value: Any) -> str:
    """JSON as the exports have it: beyond ASCII as it is, in UTF-8."""
    return json.dumps(value, ensure_ascii=False)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


# -- ChatGPT -----------------------------------------------------------------------------------------------


def chatgpt_node(own: str, parent: str | None, text: str, at: float | None = BEGIN, role: str = "user") -> Json:
    """A node of the tree with a message, whose metadata is as wordy as in a real export."""
    message: Json = {
        "id": own, "author": {"role": role, "name": None, "metadata": {}}, "create_time": at, "update_time": None,
        "content": {"content_type": "text", "parts": [text]}, "status": "finished_successfully", "end_turn": True,
        "weight": 1.0, "recipient": "all", "channel": None,
        "metadata": {
            "request_id": f"req-{own}", "message_source": None, "timestamp_": "absolute", "model_slug": "gpt-5",
            "default_model_slug": "auto", "parent_id": parent, "citations": [], "content_references": [],
            "finish_details": {"type": "stop", "stop_tokens": [200002]}, "is_complete": True,
        },
    }  # fmt: skip
    return {"id": own, "message": message, "parent": parent, "children": []}


def chatgpt(own: str, texts: Sequence[str], at: float = BEGIN) -> Json:
    """A conversation in which the person and the assistant take turns, a minute apart."""
    nodes: Json = {"root": {"id": "root", "message": None, "parent": None, "children": []}}
    last = "root"
    for n, text in enumerate(texts):
        name = f"{own}-{n}"
        nodes[name] = chatgpt_node(name, last, text, at + 60 * n, ("user", "assistant")[n % 2])
        nodes[last]["children"] = [name]
        last = name
    return {
        "title": f"About {own}", "create_time": at, "update_time": at + 60 * len(texts), "mapping": nodes,
        "moderation_results": [], "current_node": last, "conversation_id": own, "id": own,
    }  # fmt: skip


# -- Claude ------------------------------------------------------------------------------------------------


def claude(own: str, texts: Sequence[str], at: float = BEGIN) -> Json:
    messages = [
        {
            "uuid": f"{own}-{n}", "text": text, "content": [{"type": "text", "text": text, "citations": []}],
            "sender": ("human", "assistant")[n % 2], "created_at": iso(at + 60 * n), "updated_at": iso(at + 60 * n),
            "attachments": [], "files": [],
        }
        for n, text in enumerate(texts)
    ]  # fmt: skip
    end = iso(at + 60 * len(texts))
    return {
        "uuid": own, "name": f"About {own}", "created_at": iso(at), "updated_at": end, "account": {"uuid": "a"},
        "chat_messages": messages,
    }  # fmt: skip


# -- Telegram ----------------------------------------------------------------------------------------------


def telegram_message(number: int, text: Any, author: str = "Ana", at: int = BEGIN, **more: Any) -> Json:
    return {
        "id": number, "type": "message", "date": f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}",
        "date_unixtime": str(at), "from": author, "from_id": f"user{author}", "text": text,
        "text_entities": [{"type": "plain", "text": text}],
    } | more  # fmt: skip


def telegram(name: str, messages: Sequence[Any], own: int = 77, kind: str = "personal_chat") -> Json:
    return {"name": name, "type": kind, "id": own, "messages": list(messages)}


def telegram_account(*chats: Json) -> Json:
    """The export of a whole account: much that is no chat comes first."""
    return {
        "about": "Here is the data you requested.", "personal_information": {"first_name": "Jonah", "bio": "…"},
        "contacts": {"about": "…", "list": [{"first_name": "Ana", "phone_number": "00"}]},
        "chats": {"about": "This page lists all chats.", "list": list(chats)},
    }  # fmt: skip


# -- Slack -------------------------------------------------------------------------------------------------


def slack(n: int, text: str, user: str = "U1", **more: Any) -> Json:
    return {"type": "message", "ts": f"{BEGIN + n}.000100", "user": user, "text": text, "team": "T1"} | more


def slack_users(**names: str) -> list[Json]:
    return [{"id": own, "name": name.lower(), "real_name": name, "profile": {}} for own, name in names.items()]


# -- JSON lines --------------------------------------------------------------------------------------------


def line(n: int, text: str, author: str = "Ana", **more: Any) -> Json:
    return {"ts": BEGIN + n, "author": author, "text": text} | more


def lines(*messages: Mapping[str, Any]) -> str:
    return "".join(f"{text_of(message)}\n" for message in messages)


# -- the same talk in every format ------------------------------------------------------------------------

FORMATS = ("chatgpt", "claude", "telegram", "telegram account", "slack", "jsonl")


def talk(count: int, first: int = 0, words: int = 6) -> list[str]:
    """What is said, a minute apart; all texts differ."""
    return [f"{n}:" + " and so on" * words for n in range(first, first + count)]


def export(kind: str, texts: Sequence[str]) -> tuple[str, str]:
    """The name of a file below the folder, and its content, of an export that has exactly these messages."""
    if kind == "chatgpt":
        return "conversations.json", text_of([chatgpt("c", texts)])
    if kind == "claude":
        return "conversations.json", text_of([claude("c", texts)])
    if kind == "slack":
        return "general/2025-10-09.json", text_of([slack(60 * n, text) for n, text in enumerate(texts)])
    if kind == "jsonl":
        return "chat.jsonl", lines(*(line(60 * n, text, id=n) for n, text in enumerate(texts)))
    chat = telegram("Ana", [telegram_message(n, text, at=BEGIN + 60 * n) for n, text in enumerate(texts)])
    empty = telegram("Nobody", [], own=1)
    return "result.json", text_of(chat if kind == "telegram" else telegram_account(empty, chat))


# -- large ones --------------------------------------------------------------------------------------------


def write_large(path: Path, kind: str, size: int, seed: int = 1) -> int:
    """Write an export of at least `size` bytes, `chatgpt` or `telegram`, in little memory. Returns its messages."""
    head, pieces, tail = _large(kind, random.Random(seed))
    written = count = 0
    with path.open("wb") as file:
        written += file.write(head)
        for messages, piece in pieces:
            written += file.write(piece if count == 0 else b",\n" + piece)
            count += messages
            if written >= size:
                break
        file.write(tail)
    return count


def _large(kind: str, rng: random.Random) -> tuple[bytes, Iterator[tuple[int, bytes]], bytes]:
    if kind == "chatgpt":
        return b"[", _conversations(rng), b"]"
    if kind == "telegram":
        return b'{"name": "Workshop", "type": "private_supergroup", "id": 4711, "messages": [\n', _messages(rng), b"]}"
    raise ValueError(f"no large export of the kind {kind}")


def _conversations(rng: random.Random) -> Iterator[tuple[int, bytes]]:
    texts, number = _texts(rng, 900), 0
    while True:
        number += 1
        said = rng.choices(texts, k=rng.randint(2, 2 * TURNS))
        own = f"{rng.getrandbits(128):032x}"
        yield len(said), text_of(chatgpt(own, said, BEGIN - 100_000_000 + number * 1800)).encode()


def _messages(rng: random.Random) -> Iterator[tuple[int, bytes]]:
    texts, number = _texts(rng, 120), 0
    while True:
        number += 1
        text, author = rng.choice(texts), rng.choice(("Ana", "Ben", "Cleo", "Dev"))
        yield 1, text_of(telegram_message(number, text, author, BEGIN - 100_000_000 + number * 40)).encode()


def _texts(rng: random.Random, length: int) -> list[str]:
    """Some thousand texts of about `length` characters, now and then with more than ASCII."""
    words = ["".join(rng.choices("etaoinshrdlucmfwyp", k=rng.randint(2, 10))) for _ in range(3000)]
    words += ["naïve", "Grüße", "—", "“yes”", "✅"]
    return [" ".join(rng.choices(words, k=max(1, int(rng.expovariate(7 / length))))) + "." for _ in range(3000)]
