from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("Hello", "--speed", "9"), "--speed"),
        (("--file", "/nowhere/text"), "No such file"),
        (("Hello", "--user", "zoe"), "There is no user 'zoe'"),
        (("Hello",), "There is no superuser yet"),
    ],
)
def test_what_can_t_be_said_leaves_nothing_behind(db, tmp_path, options, told):
    target = tmp_path / "said.mp3"

    with pytest.raises(CommandError, match=told):
        call_command("say", *options, "-o", str(target))

    assert list(tmp_path.iterdir()) == []


def test_a_text_that_is_no_utf8_is_refused(db, tmp_path):
    (tmp_path / "text").write_bytes(b"\xff\xfe")

    with pytest.raises(CommandError, match="not UTF-8"):
        call_command("say", "--file", str(tmp_path / "text"), "-o", str(tmp_path / "said.mp3"))
