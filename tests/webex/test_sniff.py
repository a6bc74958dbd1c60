"""What a file is, by its first bytes."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FileRejected
from bot.webex.sniff import kind_of


@pytest.mark.parametrize("head", [b"PK\x03\x04rest\x00\x01", b"PK\x05\x06" + b"\x00" * 18])
def test_a_zip_is_known_by_its_first_bytes(head):
    assert kind_of(head) == "zip"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\n",
        b"A,B\r\n1,2\r\n",
        b'\xef\xbb\xbf"A","B"\n',
        codecs.BOM_UTF16_LE + "A,B\n".encode("utf-16-le"),
        "Gerät,Dauer\n".encode("latin-1"),
        b"a < b,c\n",
        b"PK,value\n",
    ],
)
def test_text_is_a_csv(head):
    assert kind_of(head) == "csv"


@pytest.mark.parametrize(
    "head",
    [
        b"<!DOCTYPE html><html>",
        b"<!doctype html>",
        b"<html>",
        b"\xef\xbb\xbf\r\n  <HTML>",
        b"<?xml version='1.0'?><Error/>",
        codecs.BOM_UTF16_LE + "<html>".encode("utf-16-le"),
    ],
)
def test_a_web_page_is_refused(head):
    with pytest.raises(FileRejected, match="web page"):
        kind_of(head)


@pytest.mark.parametrize("head", [b'{"message":"no"}', b' \n[{"a":1}]'])
def test_a_json_error_is_refused(head):
    with pytest.raises(FileRejected, match="error message"):
        kind_of(head)


@pytest.mark.parametrize(
    "head", [b"%PDF-1.7\n\x00\x01", b"\x7fELF\x02", b"\x1f\x8b\x08\x00", b"\x00" * 10, b"MZ\x90\x00"]
)
def test_what_is_no_text_is_refused(head):
    with pytest.raises(FileRejected, match="neither"):
        kind_of(head)


@pytest.mark.parametrize(
    ("head", "what"),
    [(b"%PDF-1.7\n%text", "a document"), (b"%!PS-Adobe-3.0\n", "a document"), (b"#!/bin/sh\nrm", "a program")],
)
def test_documents_and_scripts_are_text_and_no_csv(head, what):
    with pytest.raises(FileRejected, match=f"sent {what} instead"):
        kind_of(head)


@settings(max_examples=60, deadline=None)
@given(st.binary())
def test_any_bytes_are_judged(head):
    try:
        assert kind_of(head) in {"zip", "csv"}
    except FileRejected:
        return
