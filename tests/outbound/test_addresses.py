"""Events go to the internet by https, and into a network of ours only where a setting names it."""

from __future__ import annotations

import pytest

from bot.errors import BotError
from bot.outbound.addresses import NotAllowed, NotFound, place_of, resolve
from tests.outbound.names import Names

PRIVATE = {
    "loopback": ["127.0.0.1"],
    "private": ["10.1.2.3"],
    "both": ["93.184.216.34", "192.168.1.1"],
    "metadata": ["169.254.169.254"],
    "six": ["::1"],
    "mapped": ["::ffff:10.0.0.1"],
    "local": ["fe80::1"],
    "unique": ["fd00::1"],
}

REFUSED = [
    # Loopback
    *("https://127.0.0.1/", "https://127.0.0.1:8443/hook", "https://127.1.2.3/", "https://127.0.0.1./"),
    *("https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://localhost:443/"),
    *("https://2130706433/", "https://0x7f000001/", "https://017700000001/", "https://0x7f.0.0.1/", "https://127.1/"),
    *("https://0177.0.0.1/", "https://127.0.1/", "https://0x7f.1/", "https://00000127.0.0.1/", "https://127.0.0.1.:1/"),
    # Unspecified, and what a system takes for this machine
    *("https://0.0.0.0/", "https://0/", "https://0x0/", "https://[::]/", "https://[::ffff:0.0.0.0]/"),
    # Private, shared, link-local
    *("https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.0.1/"),
    *("https://167772161/", "https://0xa000001/", "https://10.1/", "https://012.0.0.1/", "https://192.168.257/"),
    *("https://169.254.169.254/latest/meta-data", "https://2852039166/", "https://0xa9fea9fe/", "https://169.254.1/"),
    *("https://100.64.0.1/", "https://100.127.255.254/", "https://198.18.0.1/", "https://192.0.0.1/"),
    # Multicast, broadcast, reserved, documentation
    *("https://224.0.0.1/", "https://239.255.255.250/", "https://255.255.255.255/", "https://240.0.0.1/"),
    *("https://192.0.2.1/", "https://203.0.113.9/", "https://[ff02::1]/", "https://[2001:db8::1]/"),
    # IPv6, and IPv4 within it
    *("https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[0000::0001]/", "https://[::1]:8443/"),
    *(
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fec0::1]/",
        "https://[fc00::1]/",
        "https://[fd00:ec2::254]/",
    ),
    *("https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[::ffff:a9fe:a9fe]/"),
    *(
        "https://[::127.0.0.1]/",
        "https://[::ffff:0:127.0.0.1]/",
        "https://[64:ff9b::127.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[64:ff9b:1::a00:1]/",
    ),
    *("https://[2002:7f00:1::]/", "https://[2002:a9fe:a9fe::1]/", "https://[2001:0:a00:1::f5ff:fffe]/"),
    # Other programs would read another host
    *("https://hooks.example.com@127.0.0.1/", "https://127.0.0.1@hooks.example.com/", "https://a:b@hooks.example.com/"),
    *("https://127.0.0.1\\@hooks.example.com/", "https:\\\\hooks.example.com/", "https://hooks.example.com\\.evil/"),
    *("https://127.0.0.1#@hooks.example.com/", "https://hooks.example.com/#x", "https://hooks.example.com /"),
    *(
        "https://１２７.０.０.１/",
        "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
        "https://127。0。0。1/",
        "https://%31%32%37.0.0.1/",
        "https://127%2e0.0.1/",
    ),
    *("https://hooks.example.com\t/", "https://hooks.example.com\n127.0.0.1/", "https://hooks.example.com\x00/"),
    *(
        "https://hooks..example.com/",
        f"https://{'a' * 64}.example.com/",
        "https://-hooks.example.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
    ),
    # No web address at all
    *("http://", "https://", "https:///hook", "//hooks.example.com/", "hooks.example.com", "ftp://hooks.example.com/"),
    *("file:///etc/passwd", "gopher://127.0.0.1/", "javascript:alert(1)", "https://[::1/", "", "https://" + "a" * 2000),
    # By name
    *(f"https://{name}.example.com/" for name in PRIVATE),
    # Not encrypted
    *("http://hooks.example.com/", "http://93.184.216.34/", "HTTP://hooks.example.com/"),
]


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    known = {f"{name}.example.com": addresses for name, addresses in PRIVATE.items()}
    return Names(monkeypatch, known | {"hooks.example.com": ["93.184.216.34", "2606:2800:220:1::1"]})


def reached(url: str, *networks: str) -> list[str]:
    return resolve(place_of(url), networks)


@pytest.mark.parametrize("url", REFUSED)
def test_is_refused(url: str) -> None:
    with pytest.raises((NotAllowed, NotFound)):
        reached(url)


def test_the_table_is_long_and_names_each_spelling_once() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 100


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://hooks.example.com/reports?a=b", "93.184.216.34"),
        ("HTTPS://HOOKS.example.com:8443", "93.184.216.34"),
        ("https://93.184.216.34/", "93.184.216.34"),
        ("https://[2606:2800:220:1::1]/", "2606:2800:220:1::1"),
        ("https://[::ffff:8.8.8.8]/", "::ffff:8.8.8.8"),
    ],
)
def test_the_internet_is_allowed(url: str, address: str) -> None:
    assert address in reached(url)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("127.0.0.1", "127.0.0.0/8"),
        ("private.example.com", "10.0.0.0/8"),
        ("mapped.example.com", "10.0.0.1"),
        ("[::1]", "::1/128"),
        ("unique.example.com", "fd00::/8"),
    ],
)
def test_a_network_that_the_setting_names_is_allowed(scheme: str, host: str, network: str) -> None:
    assert reached(f"{scheme}://{host}/hook", "192.0.2.0/24", network)
    with pytest.raises(NotAllowed):
        reached(f"{scheme}://{host}/hook", "192.0.2.0/24")


def test_a_name_with_one_address_elsewhere_is_refused() -> None:
    assert reached("https://both.example.com/", "192.168.0.0/16")
    with pytest.raises(NotAllowed):
        reached("http://both.example.com/", "192.168.0.0/16")


def test_what_is_said_names_the_remedy() -> None:
    with pytest.raises(BotError, match="OUTBOUND_ALLOWED_NETWORKS"):
        reached("https://10.0.0.1/")
    with pytest.raises(BotError, match="Use https"):
        reached("http://hooks.example.com/")
    with pytest.raises(BotError, match="No address is known"):
        reached("https://unknown.example.com/")
