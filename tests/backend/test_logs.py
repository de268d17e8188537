"""What the log keeps to itself, and what it does not let a client fill it with."""

import io
import logging
import logging.config
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import connect

from backend.logs import blank_tokens, logging_config

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
# What a token is, plainly: slow where many might begin, which is why the log has another one.
PLAINLY = re.compile(r"eyJ[\w-]{5,}\.[\w-]+(\.[\w-]*)?")


def blanked(text):
    return blank_tokens(None, "", {"event": text})["event"]


@pytest.mark.parametrize(
    "before", ["", " ", "Bearer ", "/x/", "?token=", "%3D", "bearer.", "_", "-", "é", "eyJ", "eyJ."]
)
@pytest.mark.parametrize("after", ["", " ", "/", ".", ".x", "&a=b", "\n"])
def test_a_token_is_blanked_wherever_it_stands(before, after):
    text = before + TOKEN + after
    assert blanked(text) == PLAINLY.sub("[token]", text)
    assert TOKEN.split(".")[1] not in blanked(text)


@given(
    st.lists(st.sampled_from(["eyJ", "e", "y", "J", "abcde", "é", "-", ".", " ", "/"]), max_size=40).map(
        "".join
    )
)
def test_all_that_looks_like_a_token_is_blanked_and_nothing_else(text):
    assert blanked(text) == PLAINLY.sub("[token]", text)


@pytest.mark.parametrize(
    "text", ["eyJ" * 20_000, "eyJaaaaa." * 7_000, "eyJ-" * 15_000 + ".", "a" * 60_000 + "eyJ"]
)
def test_sixty_kilobytes_of_beginnings_are_looked_through_at_once(text):
    began = time.perf_counter()
    blanked(text)
    assert time.perf_counter() - began < 0.2  # 1.4 s where each beginning is followed to the end


@pytest.fixture
def written():
    """What the configured log writes, and the logger of uvicorn as it was afterwards."""
    logger = logging.getLogger("uvicorn.error")
    root = logging.getLogger()
    before = (logger.filters[:], logger.level, root.handlers[:], root.level)
    config = logging_config(level="INFO", as_json=True)
    out = io.StringIO()
    config["handlers"]["stderr"]["stream"] = out
    logging.config.dictConfig(config)
    yield out
    logger.filters, logger.level, root.handlers, root.level = before


def fail(message, error):
    try:
        raise error
    except type(error):
        logging.getLogger("uvicorn.error").exception(message)


NO_UTF8 = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")


def test_a_frame_that_is_no_utf8_is_a_line_and_no_error_of_ours(written):
    fail("Invalid UTF-8 sequence received from client.", NO_UTF8)
    line = written.getvalue()
    assert line.count("\n") == 1
    assert '"level": "info"' in line
    assert "Traceback" not in line
    assert len(line) < 200


@pytest.mark.parametrize("data", [[b"\xff"], [b"\xc3", b"("]], ids=["one frame", "two fragments"])
def test_the_server_says_so_in_these_words(server, caplog, data):
    with connect(server.ws, proxy=None) as socket:
        socket.send(data[0] if len(data) == 1 else iter(data), text=True)
        with pytest.raises(ConnectionClosedError):
            socket.recv(timeout=5)
        assert socket.close_code == 1007
    (record,) = [
        record for record in caplog.records if record.name == "uvicorn.error" and "UTF-8" in record.msg
    ]
    assert (record.levelname, record.exc_info) == ("INFO", None)


@pytest.mark.parametrize("error", [NO_UTF8, ValueError("ours")])
def test_an_error_of_ours_keeps_its_traceback(written, error):
    fail("Exception in ASGI application\n", error)
    assert "Traceback" in written.getvalue()
    assert '"level": "error"' in written.getvalue()
