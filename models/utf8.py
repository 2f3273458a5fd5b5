"""Text from bytes that come cut anywhere.

bytes --Utf8Reader--> text, as far as its characters are whole
"""

from __future__ import annotations

import codecs

from models.errors import InvalidEncoding


class Utf8Reader:
    """Bytes cut anywhere in, text out; raises InvalidEncoding at bytes that are not UTF-8."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._read = 0

    def feed(self, data: bytes, *, ended: bool = False) -> str:
        try:
            text = self._decoder.decode(data, ended)
        except UnicodeDecodeError as error:
            raise InvalidEncoding(
                f"the text is not UTF-8: {error.reason} near byte {self._read + error.start:,}; "
                "send UTF-8, or JSON, which is UTF-8 by definition",
                value=self._read + error.start,
            ) from None
        self._read += len(data)
        return text
