"""Probes at sockets."""

import socket

from registry import WHERE, at, probe

# -- network -----------------------------------------------------------------------------------------------------------


def opened(family, kind, protocol=0):
    socket.socket(family, kind, protocol).close()


@probe
def socket_inet():
    opened(socket.AF_INET, socket.SOCK_STREAM)


@probe
def socket_inet6():
    opened(socket.AF_INET6, socket.SOCK_STREAM)


@probe
def socket_udp():
    opened(socket.AF_INET, socket.SOCK_DGRAM)


@probe
def socket_netlink():
    opened(socket.AF_NETLINK, socket.SOCK_RAW)


@probe
def socket_packet():
    opened(socket.AF_PACKET, socket.SOCK_RAW)


@probe
def socket_vsock():
    opened(40, socket.SOCK_STREAM)


@probe
def socket_alg():
    opened(38, 5)


@probe
def socket_unix():
    opened(socket.AF_UNIX, socket.SOCK_STREAM)


@probe
def socketpair_talks():
    one, other = socket.socketpair()
    one.send(b"x")
    assert other.recv(1) == b"x"


@probe
def tcp_connect():
    socket.create_connection(("127.0.0.1", WHERE["port"]), 2).close()


@probe
def tcp_listen():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()


@probe
def udp_send():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))


@probe
def unix_connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(WHERE["socket"])


@probe
def unix_connect_abstract():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect("\0" + WHERE["abstract"])


@probe
def unix_datagram_sendmsg():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendmsg([b"x"], [], 0, WHERE["datagram"])


@probe
def unix_datagram_pair_sendmsg():
    one, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    one.sendmsg([b"x"], [], 0, WHERE["datagram"])


@probe
def unix_bind():
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(at("work", "listener"))
