"""Files that somebody may send to do harm, made on the spot."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image, PngImagePlugin

from tests.partners import files

Deed = Callable[[Any], None]


def pdf_with(deed: Deed, **options: Any) -> bytes:
    """A harmless PDF after `deed` was done to it."""
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(files.pdf())) as pdf:
        deed(pdf)
        pdf.save(out, **options)
    return out.getvalue()


def protected(**passwords: str) -> bytes:
    """A PDF that wants a password to be opened, or to be changed."""
    return pdf_with(lambda pdf: None, encryption=pikepdf.Encryption(**passwords))


def _script(pdf: Any) -> Dictionary:
    return Dictionary(S=Name.JavaScript, JS=pikepdf.String("app.alert('hello')"))


def _named_script(pdf: Any) -> None:
    pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([pikepdf.String("go"), pdf.make_indirect(_script(pdf))])))


def _script_on_a_page(pdf: Any) -> None:
    pdf.pages[0].obj.AA = Dictionary(O=_script(pdf))


def _script_on_opening(pdf: Any) -> None:
    pdf.Root.OpenAction = _script(pdf)


def _annotation(pdf: Any, **facts: Any) -> None:
    entry = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **facts)
    pdf.pages[0].obj.Annots = Array([pdf.make_indirect(entry)])


def _attachment(pdf: Any) -> None:
    pdf.attachments["invoice.exe"] = b"MZ..."


def _form(pdf: Any) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Stream(pdf, b"<xdp/>"))


def pdf_with_packed_bomb() -> bytes:
    """An object stream that unpacks to gigabytes, where a reader has to unpack it to find any object."""
    packer, zeros = zlib.compressobj(9), bytes(1024 * 1024)
    head, again = (packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH) for _turn in range(2))
    packed = head + again * 4_000 + packer.flush()
    body = b"%PDF-1.5\n"
    stream = len(body)
    body += b"1 0 obj<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n" % len(packed)
    body += packed + b"\nendstream\nendobj\n"
    entries = struct.pack(">BIH", 0, 0, 65535) + struct.pack(">BIH", 1, stream, 0) + struct.pack(">BIH", 2, 1, 0)
    table = len(body)
    entries += struct.pack(">BIH", 1, table, 0)
    start = b"3 0 obj<</Type/XRef/Size 4/W[1 4 2]/Root 2 0 R/Length %d>>stream\n" % len(entries)
    return body + start + entries + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % table


def png_that_claims(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(20_000_000))
    return out.getvalue()


def located_jpeg() -> bytes:
    """A picture that tells where and by whom it was taken."""
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "secret-description", "secret-photographer"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    return files.jpeg(exif=exif.tobytes(), comment=b"secret-comment")


def telling_png() -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "secret-comment <script>alert(1)</script>")
    return files.png(pnginfo=text)


def animated_png() -> bytes:
    frames = [Image.new("RGB", (20, 20), color) for color in ("white", "black")]
    out = io.BytesIO()
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    return out.getvalue()


def signed_by_name(pdf: Any) -> None:
    pdf.docinfo["/Author"] = "secret-author"
    with pdf.open_metadata() as metadata:
        metadata["dc:creator"] = ["secret-author"]


# name, content, and the code of the refusal.
REFUSED: list[tuple[str, Callable[[], bytes], str]] = [
    ("nothing", lambda: b"", "empty"),
    ("html as pdf", lambda: b"<!doctype html><script>alert(1)</script>", "file_type"),
    ("svg as png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "file_type"),
    (
        "xml with entities",
        lambda: b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
        "file_type",
    ),
    ("zip bomb", zip_bomb, "file_type"),
    ("program", lambda: b"MZ" + bytes(500), "file_type"),
    ("elf", lambda: b"\x7fELF" + bytes(500), "file_type"),
    ("script", lambda: b"#!/bin/sh\nrm -rf /\n", "file_type"),
    ("gif", lambda: b"GIF89a" + bytes(50), "file_type"),
    ("postscript", lambda: b"%!PS-Adobe-3.0\n(/etc/passwd) (r) file\n", "file_type"),
    ("html before a pdf", lambda: b"<html><script>alert(1)</script>\n" + files.pdf(), "file_type"),
    ("pdf head on html", lambda: b"%PDF-1.7\n<html><script>alert(1)</script></html>", "file_unreadable"),
    ("png head on nothing", lambda: b"\x89PNG\r\n\x1a\n" + bytes(40), "file_unreadable"),
    ("jpeg cut off", lambda: files.jpeg((300, 300))[:400], "file_unreadable"),
    ("png bomb", lambda: png_that_claims(60_000, 60_000), "file_pixels"),
    ("png that lies about its size", lambda: png_that_claims(5_000, 5_000), "file_unreadable"),
    ("pdf with script on opening", lambda: pdf_with(_script_on_opening), "file_javascript"),
    ("pdf with script by name", lambda: pdf_with(_named_script), "file_javascript"),
    ("pdf with script on a page", lambda: pdf_with(_script_on_a_page), "file_javascript"),
    (
        "pdf with script in a packed object",
        lambda: pdf_with(_named_script, object_stream_mode=pikepdf.ObjectStreamMode.generate),
        "file_javascript",
    ),
    (
        "pdf with script in disguise",
        lambda: pdf_with(_named_script).replace(b"/JavaScript", b"/J#61vaScript"),
        "file_javascript",
    ),
    (
        "pdf that starts a program",
        lambda: pdf_with(lambda pdf: _annotation(pdf, Subtype=Name.Link, A=Dictionary(S=Name.Launch, F="cmd.exe"))),
        "file_launch",
    ),
    (
        "pdf that opens another file",
        lambda: pdf_with(lambda pdf: _annotation(pdf, Subtype=Name.Link, A=Dictionary(S=Name.GoToR, F="\\\\evil\\share"))),
        "file_launch",
    ),
    ("pdf with a file inside", lambda: pdf_with(_attachment), "file_embedded_files"),
    ("pdf with film", lambda: pdf_with(lambda pdf: _annotation(pdf, Subtype=Name.RichMedia)), "file_media"),
    ("pdf form", lambda: pdf_with(_form), "file_form"),
    (
        "pdf with a password",
        lambda: pdf_with(lambda pdf: None, encryption=pikepdf.Encryption(user="u", owner="o")),
        "file_encrypted",
    ),
    ("pdf against changes", lambda: pdf_with(lambda pdf: None, encryption=pikepdf.Encryption(owner="o")), "file_encrypted"),
    ("pdf without pages", lambda: pdf_with(lambda pdf: pdf.pages.__delitem__(slice(None))), "file_pages"),
    ("pdf bomb", pdf_with_packed_bomb, "file_too_hard"),
]

# name, content, and what must not be in what is kept.
HARMLESS: list[tuple[str, Callable[[], bytes], list[bytes]]] = [
    ("where a picture was taken", located_jpeg, [b"secret", b"Exif", b"GPS"]),
    ("words in a png", telling_png, [b"secret", b"<script>", b"tEXt"]),
    ("archive behind a jpeg", lambda: files.jpeg() + zip_bomb(), [b"PK\x03\x04"]),
    ("html behind a png", lambda: files.png() + b"<script>alert(1)</script>", [b"<script>"]),
    ("html behind a pdf", lambda: files.pdf() + b"\n<script>alert(1)</script>", [b"<script>"]),
    ("film of pictures", animated_png, [b"acTL", b"fdAT"]),
    ("who wrote a pdf", lambda: pdf_with(signed_by_name), [b"secret"]),
]

# Names as they may come, and what is shown of them.
NAMES = {
    "../../../etc/passwd": "passwd",
    "C:\\Windows\\system32\\calc.pdf": "calc.pdf",
    "/etc/cron.d/evil.pdf": "evil.pdf",
    "invoice\u202efdp.exe": "invoicefdp.exe",
    "a\u2066b\u2069.pdf": "ab.pdf",
    "line\r\nSet-Cookie: a=b.pdf": "lineSet-Cookie: a=b.pdf",
    "\u540d\u524d \u00fc\u00f1\u00ed \U0001f4c4.pdf": "\u540d\u524d \u00fc\u00f1\u00ed \U0001f4c4.pdf",
    "x\u2028y.pdf": "xy.pdf",
    "nul\x00.pdf": "nul.pdf",
    "<script>alert(1)</script>.pdf": "script>.pdf",
    "..": "document",
    "": "document",
}
