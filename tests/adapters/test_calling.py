"""What calls to every messenger keep to: whose files are fetched, and what an upload came to."""

import pytest

from adapters.calling import keeps_files, token_in

BASE = "https://api.messenger.example:8443/v1"
HOSTS = ("files.example", "cdn.example")


@pytest.mark.parametrize(
    "file",
    [
        "https://files.example/a.jpg",
        "https://eu.cdn.example/a.jpg",
        "https://api.messenger.example:8443/any/a.jpg",
    ],
)
def test_a_file_of_the_platforms_is_fetched(file: str) -> None:
    assert keeps_files(file, base=BASE, hosts=HOSTS)


@pytest.mark.parametrize(
    "file",
    [
        "http://files.example/a.jpg",
        "https://files.example:8080/a.jpg",
        "https://notfiles.example/a.jpg",
        "https://files.example.org/a.jpg",
        "https://files.example@10.0.0.1/a.jpg",
        "https://api.messenger.example/a.jpg",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "https://[",
        "/a.jpg",
        "",
    ],
)
def test_a_file_elsewhere_is_not(file: str) -> None:
    assert not keeps_files(file, base=BASE, hosts=HOSTS)


@pytest.mark.parametrize(
    ("answer", "token"),
    [
        ({"token": "t"}, "t"),
        ({"photos": {"1": {"token": "first"}, "2": {"token": "second"}}}, "first"),
        ({"photos": {}}, None),
        ({"photos": {"1": "t"}}, None),
        ({"token": 1}, None),
        ("t", None),
    ],
)
def test_an_upload_comes_to_its_token(answer: object, token: str | None) -> None:
    assert token_in(answer) == token
