"""XML-RPC and JSON-RPC as xapi speaks them.

XML-RPC: a struct {Status, Value} or {Status, ErrorDescription}; integers of the data model as untyped text,
no white space between tags. JSON-RPC 2.0: result, or error {code 1, message, data}; JSON-RPC 1.0: result or
error, the other null. system.listMethods comes without the envelope. Bodies that are no call raise BadBody.
"""

from __future__ import annotations

import json
import re
import xmlrpc.client
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from lab.xapi.classes import Time
from lab.xapi.errors import XapiError

BARE_METHODS = frozenset({"system.listMethods"})
"""Methods whose XML-RPC result has no envelope."""

_ILLEGAL_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_SPECIAL_IN_XML = re.compile("[&<>\r]|[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_XML_PROBLEMS = (
    ExpatError,
    xmlrpc.client.Error,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
)
"""What the standard library's parser raises for bodies that are no XML-RPC."""


class Int32(int):
    """An integer that XML-RPC carries as <i4>, such as the counts of event.from."""


class BadBody(Exception):
    """A request body that is no call at all; the message says what it is not."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call: the method, its parameters, and (JSON-RPC) version and id."""

    method: str
    params: tuple[Any, ...]
    version: str = ""
    id: Any = None


class Codec(Protocol):
    """A wire format."""

    content_type: str

    def parse(self, body: bytes) -> Request: ...

    def success(self, request: Request, value: Any) -> bytes: ...

    def failure(self, request: Request, error: XapiError) -> bytes: ...


def assert_text_is_legal(value: Any) -> None:
    """Refuse text that XML cannot carry, as xapi does for either format."""
    if isinstance(value, str):
        if _ILLEGAL_IN_XML.search(value):
            raise XapiError("INVALID_VALUE", "Invalid UTF-8 string in parameter", ascii(value)[:80])
    elif isinstance(value, dict):
        assert_text_is_legal(list(value))
        assert_text_is_legal(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            assert_text_is_legal(item)


class XmlRpc:
    """The format of `/`, `/RPC2` and `/xmlrpc`."""

    content_type = "text/xml"

    def parse(self, body: bytes) -> Request:
        if b"<!" in body:
            raise BadBody("a document type declaration or comment is not part of XML-RPC")
        try:
            params, method = xmlrpc.client.loads(body.decode("utf-8"))
            values = tuple(_from_xml(param) for param in params)
        except _XML_PROBLEMS as problem:
            raise BadBody(f"not an XML-RPC call: {type(problem).__name__}") from problem
        if not isinstance(method, str):
            raise BadBody("not an XML-RPC call: no methodName")
        return Request(method, values)

    def success(self, request: Request, value: Any) -> bytes:
        if request.method in BARE_METHODS:
            return _response(xml_value(value))
        return _response(xml_value({"Status": "Success", "Value": value}))

    def failure(self, request: Request, error: XapiError) -> bytes:
        return _response(xml_value({"Status": "Failure", "ErrorDescription": error.description}))


def _response(value: str) -> bytes:
    text = f'<?xml version="1.0"?><methodResponse><params><param>{value}</param></params></methodResponse>'
    return text.encode("utf-8")


def _from_xml(value: Any) -> Any:
    if isinstance(value, xmlrpc.client.DateTime):
        return Time(value.value)
    if isinstance(value, xmlrpc.client.Binary):
        raise BadBody("base64 is not used by this API")
    if isinstance(value, dict):
        return {key: _from_xml(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_from_xml(item) for item in value]
    return value


_Writer = Callable[[Any, list[str]], None]


def xml_value(value: Any) -> str:
    """Return `<value>…</value>` for a value of the API."""
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: Any, out: list[str]) -> None:
    write: _Writer = _WRITERS.get(type(value), _write_array)
    write(value, out)


def _write_text(value: str, out: list[str]) -> None:
    out.append(f"<value>{_escape(value)}</value>")


def _write_scalar(form: str) -> _Writer:
    def write(value: Any, out: list[str]) -> None:
        out.append(form.format(value))

    return write


def _write_struct(value: dict[str, Any], out: list[str]) -> None:
    out.append("<value><struct>")
    for key, item in value.items():
        out.append(f"<member><name>{_escape(key)}</name>")
        _write(item, out)
        out.append("</member>")
    out.append("</struct></value>")


def _write_array(value: Iterable[Any], out: list[str]) -> None:
    out.append("<value><array><data>")
    for item in value:
        _write(item, out)
    out.append("</data></array></value>")


_WRITERS: dict[type, _Writer] = {
    str: _write_text,
    dict: _write_struct,
    bool: _write_scalar("<value><boolean>{:d}</boolean></value>"),
    int: _write_scalar("<value>{}</value>"),
    Int32: _write_scalar("<value><i4>{:d}</i4></value>"),
    float: _write_scalar("<value><double>{!r}</double></value>"),
    Time: _write_scalar("<value><dateTime.iso8601>{}</dateTime.iso8601></value>"),
    type(None): _write_scalar("<value><nil/></value>"),
}
"""How each type is written; anything else is a sequence."""


def _escape(text: str) -> str:
    """Return text as XML; what XML cannot carry at all becomes U+FFFD, which xapi never holds anyway."""
    if not _SPECIAL_IN_XML.search(text):
        return text
    return escape(_ILLEGAL_IN_XML.sub("\ufffd", text), {"\r": "&#13;"})


class JsonRpc:
    """The format of `/jsonrpc`: 2.0 if the call says so, else 1.0."""

    content_type = "application/json"

    def parse(self, body: bytes) -> Request:
        try:
            call = json.loads(body.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError) as problem:
            raise BadBody(f"not JSON: {type(problem).__name__}") from problem
        if not isinstance(call, dict):
            raise BadBody("not a JSON-RPC call: expected an object")
        method, params = call.get("method"), call.get("params", [])
        if not isinstance(method, str) or not isinstance(params, list):
            raise BadBody("not a JSON-RPC call: expected a method and an array of params")
        version = "2.0" if call.get("jsonrpc") == "2.0" else "1.0"
        return Request(method, tuple(params), version, call.get("id"))

    def success(self, request: Request, value: Any) -> bytes:
        if request.version == "2.0":
            return _json({"jsonrpc": "2.0", "result": value, "id": request.id})
        return _json({"result": value, "error": None, "id": request.id})

    def failure(self, request: Request, error: XapiError) -> bytes:
        if request.version == "2.0":
            body = {"code": 1, "message": error.code, "data": list(error.params)}
            return _json({"jsonrpc": "2.0", "error": body, "id": request.id})
        return _json({"result": None, "error": error.description, "id": request.id})


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
