"""Text as sound: as long as it says, in a form that Telegram plays, and one clear line where it cannot be made."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import soundfile

from godmode.lib.errors import Usage
from godmode.lib.notify import speech

TEXT = "Good morning, Jonah. Twenty one workflows ran, and two of them failed."


def test_the_sound_is_ogg_with_opus_of_the_same_length() -> None:
    sound = speech.voice("en-us")(TEXT)
    written = sound.ogg()
    info = soundfile.info(BytesIO(written))
    assert (info.format, info.subtype, info.channels, info.samplerate) == ("OGG", "OPUS", 1, speech.OPUS_RATE)
    assert info.duration == pytest.approx(sound.seconds, abs=0.05)


def test_a_longer_text_takes_longer_and_the_same_one_the_same() -> None:
    say = speech.voice("en-us")
    once, again, twice = say(TEXT), say(TEXT), say(f"{TEXT} {TEXT}")
    assert once.seconds == pytest.approx(again.seconds, abs=0.1)
    assert 1.7 * once.seconds < twice.seconds < 2.5 * once.seconds


def test_the_estimate_is_near_what_is_measured() -> None:
    measured = speech.voice("en-us")(TEXT * 5).seconds
    assert 0.8 < speech.estimate(TEXT * 5) / measured < 1.25


def test_silence_is_no_sound() -> None:
    assert speech.voice("en-us")("").seconds < 0.5


def test_an_unknown_voice_is_one_clear_line() -> None:
    with pytest.raises(Usage, match='espeak-ng has no voice "xx-martian"'):
        speech.voice("xx-martian")


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = speech.Sound(b"\0\0" * 100, 22_050)
    for module in ("espeakng_loader", "soundfile", "piper"):
        monkeypatch.setitem(sys.modules, module, None)
    speech._espeak.cache_clear()
    with pytest.raises(Usage, match=r"pip install 'godmode\[voice\]'"):
        speech.voice("en-us")
    with pytest.raises(Usage, match=r"pip install 'godmode\[voice\]'"):
        sound.ogg()
    with pytest.raises(Usage, match="pip install piper-tts"):
        speech.voice("en-us", Path("voice.onnx"))


class Piper:
    """piper-tts as its own interface has it: a voice of a file says a text in chunks."""

    @classmethod
    def load(cls, path: Path) -> Any:
        if not path.exists():
            raise FileNotFoundError(path)
        return cls()

    def synthesize(self, text: str) -> Any:
        for sentence in text.split(". "):
            yield SimpleNamespace(audio_int16_bytes=b"\0\0" * 160 * len(sentence), sample_rate=16_000)


def test_with_a_voice_file_it_is_piper_that_speaks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "piper", SimpleNamespace(PiperVoice=Piper))
    (tmp_path / "voice.onnx").touch()
    sound = speech.voice("en-us", tmp_path / "voice.onnx")("abcde. fghij")
    assert sound.rate == 16_000
    assert sound.seconds == pytest.approx(0.1)
    with pytest.raises(Usage, match=r"speech\.piper is the voice's \.onnx"):
        speech.voice("en-us", tmp_path / "none.onnx")
