"""Regular expressions as keepalived has them: the PCRE2 library, if the system has it.

pcre2api(3). A search may be made in a thread: the library is called without the
interpreter's lock, so the reactor goes on meanwhile, and there is a bound to the work.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from weakref import finalize

LIBRARY = "libpcre2-8.so.0"

#: word of the configuration -> PCRE2_..., see pcre2.h
OPTIONS = {
    "allow_empty_class": 0x00000001,
    "alt_bsux": 0x00000002,
    "auto_callout": 0x00000004,
    "caseless": 0x00000008,
    "dollar_endonly": 0x00000010,
    "dotall": 0x00000020,
    "dupnames": 0x00000040,
    "extended": 0x00000080,
    "firstline": 0x00000100,
    "match_unset_backref": 0x00000200,
    "multiline": 0x00000400,
    "never_ucp": 0x00000800,
    "never_utf": 0x00001000,
    "no_auto_capture": 0x00002000,
    "no_auto_possess": 0x00004000,
    "no_dotstar_anchor": 0x00008000,
    "no_start_optimize": 0x00010000,
    "ucp": 0x00020000,
    "ungreedy": 0x00040000,
    "utf": 0x00080000,
    "never_backslash_c": 0x00100000,
    "alt_circumflex": 0x00200000,
    "alt_verbnames": 0x00400000,
    "use_offset_limit": 0x00800000,
}
MATCH_INVALID_UTF = 0x04000000
NO_MATCH, NO_MATCH_UTF = -1, -36  # PCRE2_ERROR_NOMATCH, PCRE2_ERROR_BADUTFOFFSET
UNLIMITED = 2**64 - 1  # PCRE2_UNSET
MATCH_LIMIT = 10_000_000  # steps of one start, as PCRE2 has it when nobody says
STARTS = 4096  # where a match may begin, in one call of the library

_PATTERNS_KEPT = 256


class PatternError(ValueError):
    """The pattern makes no sense; C{offset} counts its bytes from 0."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message, self.offset = message, offset


class TooCostly(Exception):
    """The search has taken all it may take, in steps or in time."""


class Pattern:
    """A compiled pattern; it may be used by several threads."""

    def __init__(self, text: bytes, options: int) -> None:
        library = _library()
        self._utf = bool(options & OPTIONS["utf"])
        options |= OPTIONS["use_offset_limit"]
        if self._utf:
            options |= MATCH_INVALID_UTF  # the body may be cut anywhere
        number, offset = ctypes.c_int(), ctypes.c_size_t()
        self._code = library.pcre2_compile_8(
            text, len(text), options, ctypes.byref(number), ctypes.byref(offset), None
        )
        if not self._code:
            raise PatternError(_message(number.value), offset.value)
        finalize(self, library.pcre2_code_free_8, self._code).atexit = False

    def search(
        self,
        body: bytes,
        first: int = 0,
        last: int | None = None,
        late: Callable[[], bool] = bool,
    ) -> bool:
        """Whether there is a match that starts from C{first} to C{last} (None: any).

        C{late} is asked now and then whether it is time to stop. Raises L{TooCostly}.
        """
        end = len(body) if last is None else min(last, len(body))
        if first > end:
            return False
        library = _library()
        data = library.pcre2_match_data_create_8(1, None)
        context = library.pcre2_match_context_create_8(None)
        try:
            library.pcre2_set_match_limit_8(context, MATCH_LIMIT)
            for begin in range(first, end + 1, STARTS):
                if late():
                    raise TooCostly("time")
                limit = min(begin + STARTS - 1, end)
                library.pcre2_set_offset_limit_8(context, limit)
                start = self._whole(body, begin, first)
                found = library.pcre2_match_8(
                    self._code, body, len(body), start, 0, data, context
                )
                if found >= 0:
                    return True
                if found not in (NO_MATCH, NO_MATCH_UTF):
                    raise TooCostly(_message(found))
        finally:
            library.pcre2_match_context_free_8(context)
            library.pcre2_match_data_free_8(data)
        return False

    def _whole(self, body: bytes, begin: int, first: int) -> int:
        """C{begin}, or the beginning of the UTF-8 character that it is inside of."""
        if self._utf:
            while begin > first and begin < len(body) and body[begin] & 0xC0 == 0x80:
                begin -= 1
        return begin


@lru_cache(_PATTERNS_KEPT)
def compiled(text: bytes, options: int) -> Pattern:
    """A pattern, remembered. Raises L{PatternError}, or L{OSError} without PCRE2."""
    return Pattern(text, options)


@lru_cache(1)
def _library() -> Any:
    library = ctypes.CDLL(LIBRARY)
    size, number = ctypes.c_size_t, ctypes.c_int
    pointer, octets = ctypes.c_void_p, ctypes.c_char_p
    by_number, by_size = ctypes.POINTER(number), ctypes.POINTER(size)
    flags = ctypes.c_uint32
    for name, result, *arguments in (
        ("compile", pointer, octets, size, flags, by_number, by_size, pointer),
        ("code_free", None, pointer),
        ("match_data_create", pointer, flags, pointer),
        ("match_data_free", None, pointer),
        ("match_context_create", pointer, pointer),
        ("match_context_free", None, pointer),
        ("set_match_limit", number, pointer, flags),
        ("set_offset_limit", number, pointer, size),
        ("match", number, pointer, octets, size, size, flags, pointer, pointer),
        ("get_error_message", number, number, octets, size),
    ):
        function = getattr(library, f"pcre2_{name}_8")
        function.restype, function.argtypes = result, arguments
    return library


def _message(number: int) -> str:
    text = ctypes.create_string_buffer(256)
    _library().pcre2_get_error_message_8(number, text, len(text))
    return text.value.decode(errors="replace")
