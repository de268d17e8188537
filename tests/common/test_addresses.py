"""Whom an address stands for, and which proxies are believed."""

from ipaddress import ip_address, ip_network

import pytest

from common.addresses import read_proxies, source_of, source_of_client


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        (None, ""),
        ("unix:", ""),
        ("192.0.2.1:80", ""),
        ("192.0.2.256", ""),
        ("x" * 10_000, ""),
    ],
)
def test_an_address_is_ipv4_itself_or_the_network_of_ipv6(address, source):
    assert source_of(address) == source


def test_the_client_of_a_scope():
    assert source_of_client(("192.0.2.1", 80)) == "192.0.2.1"
    assert source_of_client(["/run/socket", None]) == ""
    assert source_of_client(None) == source_of_client(()) == ""


def test_proxies_are_addresses_and_networks_as_both_kinds_of_socket_show_them():
    networks = [ip_network(text) for text in read_proxies("10.0.0.0/8, 192.0.2.1,, 2001:db8::/32")]

    def believed(address):
        return any(ip_address(address) in network for network in networks)

    for address in ("10.1.2.3", "::ffff:10.1.2.3", "192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"):
        assert believed(address), address
    for address in ("11.0.0.1", "::ffff:11.0.0.1", "192.0.2.2", "::1", "::10.1.2.3"):
        assert not believed(address), address
    assert read_proxies("") == read_proxies(" , ") == []
