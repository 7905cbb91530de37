"""A text as sound, and how long it takes to say: espeak-ng, or piper where a voice file is configured.

Both belong to the extra `voice` (espeakng-loader, soundfile, soxr; piper-tts by itself); without it a text's length is
estimated by its words. Nothing here reaches a network.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from godmode.lib.errors import Usage

WORDS_A_MINUTE = 150  # an unhurried voice, and the estimate where there is no sound
OPUS_RATE = 24_000  # Hz: Opus takes 8, 12, 16, 24 and 48 kHz, and espeak-ng speaks at 22,050
EXTRA = "install the extra: `pip install 'godmode[voice]'`"
_SYNCHRONOUS, _DO_NOT_EXIT, _UTF8, _RATE, _CHARACTERS = 2, 0x8000, 1, 1, 1  # espeak-ng/speak_lib.h
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


@dataclass(frozen=True)
class Sound:
    """Speech as 16-bit samples of one channel, `rate` of them a second."""

    samples: bytes
    rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / 2 / self.rate

    def ogg(self) -> bytes:
        """The sound as OGG with Opus, which Telegram takes as a voice message. Raises Usage without the extra."""
        try:
            import numpy
            import soundfile
            import soxr
        except (ImportError, OSError) as e:  # OSError: soundfile does not find its library
            raise Usage(f"speech cannot be written as OGG: {e}", EXTRA) from e
        wave = numpy.frombuffer(self.samples, dtype=numpy.int16).astype(numpy.float32) / 32768
        with TemporaryFile() as made:  # a callback would take memory both written and run, which sandboxes refuse
            resampled = soxr.resample(wave, self.rate, OPUS_RATE)
            soundfile.write(made.fileno(), resampled, OPUS_RATE, format="OGG", subtype="OPUS", closefd=False)
            made.seek(0)
            return made.read()


def estimate(text: str) -> float:
    """The seconds that it takes to say a text, by its words."""
    return len(text.split()) * 60 / WORDS_A_MINUTE


def voice(name: str, piper: Path | None = None) -> Callable[[str], Sound]:
    """What says a text: espeak-ng's voice of a name ("en-us"), or piper's in a file (its .onnx). Raises Usage."""
    return _piper(piper) if piper is not None else _espeak(name)


@cache
def _espeak(name: str) -> Callable[[str], Sound]:
    """espeak-ng, which is set up once for a process."""
    try:
        import espeakng_loader
    except ImportError as e:
        raise Usage("speech is not installed", EXTRA) from e
    library, chunks = ctypes.CDLL(espeakng_loader.get_library_path()), bytearray()
    rate = library.espeak_Initialize(
        _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _DO_NOT_EXIT
    )  # fmt: skip
    if rate <= 0:
        raise Usage("espeak-ng does not find its data", f"{EXTRA[:-1]} --force-reinstall`")
    if library.espeak_SetVoiceByName(name.encode()) != 0:
        raise Usage(f'espeak-ng has no voice "{name}"', 'set speech.voice, such as "en-us" or "en-gb"')
    library.espeak_SetParameter(_RATE, WORDS_A_MINUTE, 0)

    def heard(wave: Any, count: int, events: object) -> int:
        if wave and count > 0:
            chunks.extend(ctypes.string_at(wave, count * 2))
        return 0

    callback = _CALLBACK(heard)  # kept by `say`, or it would be collected while the library still calls it
    library.espeak_SetSynthCallback(callback)

    def say(text: str, callback: object = callback) -> Sound:
        chunks.clear()
        said = text.replace("\0", " ").encode() + b"\0"
        if library.espeak_Synth(said, len(said), 0, _CHARACTERS, 0, _UTF8, None, None) != 0:
            raise Usage("espeak-ng could not say the text", EXTRA)
        library.espeak_Synchronize()
        return Sound(bytes(chunks), rate)

    return say


@cache
def _piper(file: Path) -> Callable[[str], Sound]:
    try:
        from piper import PiperVoice
    except ImportError as e:
        raise Usage("piper is not installed", "`pip install piper-tts`, or remove speech.piper") from e
    try:
        speaker = PiperVoice.load(file)
    except (OSError, ValueError) as e:
        raise Usage(
            f"piper cannot use {file}: {e}", "speech.piper is the voice's .onnx, its .onnx.json beside it"
        ) from e

    def say(text: str) -> Sound:
        chunks = list(speaker.synthesize(text))
        return Sound(b"".join(chunk.audio_int16_bytes for chunk in chunks), chunks[0].sample_rate if chunks else 22_050)

    return say
