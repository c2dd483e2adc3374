"""multipart/form-data: the first line of an input is its content type, the rest its body."""

from typing import Final

from fuzz.door import Door
from fuzz.doors.reading import reading
from fuzz.mutators import lines
from service import body

_PNG: Final = bytes.fromhex("89504e470d0a1a0a0000000d494844520000001c0000001c080000000056a0e5")


def _form(data: bytes) -> None:
    content_type, _, rest = data.partition(b"\n")
    body.read({"CONTENT_TYPE": f"multipart/form-data; {content_type.decode('latin-1')}"}, rest, reading())


def _part(name: str, content: bytes, more: str = "") -> bytes:
    head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def _seeds() -> list[bytes]:
    file = _part("image", _PNG, '; filename="7.png"')
    return [
        b"boundary=b\n" + file + b"--b--\r\n",
        b"boundary=b\n" + _part("x", b"1") + file + file + b"--b--",
        b'boundary="b"\nbefore\r\n' + _part("image", b"--b", "; filename*=UTF-8''%41") + b"--b--behind",
    ]


_WORDS: Final = (
    b"--b", b"--b--", b"--b\r\n", b"\r\n--b--\r\n", b"boundary=", b'Content-Disposition: form-data; name="x"; filename="y"',
    b"Content-Disposition: form-data", b"Content-Type: text/plain; charset=utf-7", b"Content-Transfer-Encoding: base64",
    b"filename*=utf-16''%ff", b"filename*0=", b"\r", b"\n", b"\r\n\r\n", b"", b": ", b" x", b"\xff\xfe", b"--", b"x" * 300,
)  # fmt: skip

DOORS: Final = {"multipart": Door(_form, _seeds, lines.mutator(_WORDS), 120_000)}
